package ranking

import (
	"testing"
)

// TestUnanswered: whether the pages answer a question is decided by how much of it they have, and by what occurs nowhere.
func TestUnanswered(t *testing.T) {
	t.Parallel()
	const manual = `<h1>Kettles</h1>
<p>The Aurora kettle boils a litre of water in three minutes, and keeps it warm for an hour.
<h2>Descaling</h2><p>Descale the kettle every month with vinegar, and rinse it twice with clear water afterwards.
<h2>Cable</h2><p>The cable is one metre long. Never put the base into water, and never pull at the cable.
<h2>Guarantee</h2><p>The guarantee lasts for two years from the day on which you bought the kettle.`
	hits, links := passages(t, manual)
	for _, tt := range []struct {
		question string
		want     bool
	}{
		{"How often must the kettle be descaled?", false},
		{"How long is the cable of the kettle?", false},
		{"Which zoologist discovered the quagga in Africa?", true},
		{"What does the setting turbo_boil_limit of the kettle mean?", true},
		{"How much does a satellite licence of the kettle cost in Norway?", true},
		{"How many months does the Aurora kettle boil the water?", false}, // all words are there; only their sense is not
		{"Combien de temps faut-il pour détartrer la bouilloire?", false}, // in another language, so nothing can be said
		{"Zebra?", true},
	} {
		q := NewQuestion(tt.question, "")
		ranked := Rank(hits, map[string]PageFacts{"p": NewPageFacts(q, links)}, map[*Question]int{q: len(hits)})
		if got := RelevanceOf(ranked).Unanswered(); got != tt.want {
			t.Errorf("%s: %v; the best passage covers %.2f, and %.2f is lost", tt.question, got, ranked[0].Whole, ranked[0].LostShare)
		}
	}
	german, links := passages(t, `<h1>Kessel</h1><p>Der Kessel hat eine Garantie von zwei Jahren, die mit dem Tag des Kaufs beginnt. Von welcher Marke das Wasser ist, ist ihm gleich.`)
	asked := NewQuestion("Von welcher Farbe ist der Hut des Zoologen mit dem seltenen Quagga?", "de")
	ranked := Rank(german, map[string]PageFacts{"p": NewPageFacts(asked, links)}, map[*Question]int{asked: len(german)})
	if asked.foreign || !RelevanceOf(ranked).Unanswered() {
		t.Errorf("a German question to a German page: foreign %v; the best passage covers %.2f, and %.2f is lost", asked.foreign, ranked[0].Whole, ranked[0].LostShare)
	}
	if RelevanceOf(nil).Lost != 0 {
		t.Error("without passages there is nothing to say")
	}
	q := NewQuestion("Which zoologist discovered the quagga in Africa?", "")
	ranked = Rank(hits, map[string]PageFacts{"p": NewPageFacts(q, links)}, map[*Question]int{q: len(hits)})
	if words := q.Words(ranked[0].Lost); len(words) != 4 {
		t.Errorf("lost %q", words)
	}
}
