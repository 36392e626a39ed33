package ranking

import (
	"slices"
	"strings"
	"testing"
)

func TestTermsOfAQuestion(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		question string
		heavy    []string // keys of the terms with at least WordWeight
		absent   []string
	}{
		{"What is the default value of max_connections?", []string{"=max_connections"}, []string{"what", "is", "of"}},
		{"Does now() change while a transaction runs?", []string{"=now", "transact", "chang"}, []string{"doe", "a"}},
		{"How large may the payload of a NOTIFY be?", []string{"=notify", "payload"}, []string{"may", "be"}},
		{"Is row-level security on?", []string{"row", "level", "secur"}, []string{"=row-level"}},
		{"What does ThreadPoolExecutor do?", []string{"=threadpoolexecutor"}, nil},
		{"Which permissions must .pgpass have?", []string{"=pgpass", "permiss"}, nil},
	} {
		q := NewQuestion(tt.question, "")
		for _, k := range tt.heavy {
			if i, ok := q.byKey[k]; !ok || q.Terms[i].Weight < WordWeight {
				t.Errorf("%s: %s is not a heavy term: %+v", tt.question, k, q.Terms)
			}
		}
		for _, k := range tt.absent {
			if _, ok := q.byKey[k]; ok {
				t.Errorf("%s: %s is a term", tt.question, k)
			}
		}
	}
	q := NewQuestion(strings.Repeat("alpha beta1 gamma2 delta3 ", 3)+strings.Join(manyWords(200), " "), "")
	if len(q.Terms) > maxTerms {
		t.Errorf("%d terms", len(q.Terms))
	}
	q = NewQuestion(`What does "could not connect" mean?`, "")
	if !slices.Equal(q.phrases, []string{"could not connect"}) {
		t.Errorf("phrases %q", q.phrases)
	}
	if got := q.Query(); !strings.HasPrefix(got, q.text) {
		t.Errorf("query %q", got)
	}
	if got := NewQuestion("How long is the lease?", "").Query(); !strings.Contains(got, "timeout") {
		t.Errorf("query without hints: %q", got)
	}
}

func manyWords(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = "word" + strings.Repeat(string(rune('a'+i%26)), i/26+1)
	}
	return out
}

func TestShapes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		question string
		fits     string
		not      string
	}{
		{"How long does it wait?", "It waits for 30 seconds.", "It waits patiently."},
		{"How many columns can a table have?", "A table has 1600 of them.", "A table has some of them."},
		{"What is the default of work_mem?", "The default is four megabytes (4MB).", "It is set in the file to 4MB."},
		{"Which port is used if nothing is configured?", "It listens on 5432 by default.", "It listens on a port, 5432 for instance."},
		{"How much memory should it get?", "Give it 25% of the memory.", "Give it plenty of memory, 25 or so."},
		{"Why is it slow?", "This is because the disk is slow.", "The disk is slow."},
		{"How often must it be vacuumed?", "At least once every month.", "It must be vacuumed."},
		{"What is the range of int?", "-32768 to +32767", "2 bytes"},
		{"What is the most secure method?", "This is the most secure of them.", "This is a secure method."},
		{"Is the sort stable?", "It is guaranteed to keep the order.", "It keeps the order."},
		{"When was it released?", "It came out on 14 May 2024.", "It came out."},
		{"What happens if it runs dry?", "It stops when the water is gone.", "It stops."},
		{"How do I cancel a query?", "Use the function for that.", "Queries are many."},
	} {
		s := shapeOf(tt.question)
		if fits, not := s.fit(tt.fits), s.fit(tt.not); fits <= not {
			t.Errorf("%s: %q gets %.2f, %q gets %.2f", tt.question, tt.fits, fits, tt.not, not)
		}
	}
	if s := shapeOf("How long can a name be?"); s.duration || !s.number {
		t.Errorf("a length is no duration: %+v", s)
	}
}

func TestQuestionsInOtherLanguages(t *testing.T) {
	t.Parallel()
	q := NewQuestion("Wie viel fasst der der Kocher", "de")
	if _, ok := q.byKey["viel"]; ok || len(q.Terms) != 2 || q.foreign {
		t.Errorf("%+v", q)
	}
	for _, tt := range []struct {
		question, pages string
		foreign         bool
	}{
		{"Wie viel fasst der Kocher?", "", true},
		{"Wie viel fasst der Kocher?", "de", false},
		{"How much does the kettle hold?", "", false},
		{"How much does the kettle hold?", "de", true},
		{"max_connections", "de", false},
		{"入浴料はいくらですか", "zh", true},
		{"入浴料はいくらですか", "ja", false},
	} {
		if got := NewQuestion(tt.question, tt.pages).foreign; got != tt.foreign {
			t.Errorf("%q of pages in %q: %v", tt.question, tt.pages, got)
		}
	}
	q = NewQuestion("大人の入浴料はいくらですか", "ja")
	if q.Named() {
		t.Error("letters without case are not capitals")
	}
	fee, grammar := q.Terms[q.byKey["浴料"]].Weight, q.Terms[q.byKey["です"]].Weight
	if fee <= grammar {
		t.Errorf("浴料 weighs %.2f, です %.2f", fee, grammar)
	}
}

func FuzzQuestion(f *testing.F) {
	for _, s := range []string{"a.b-c's", "’s", "--x", "日本語 text", "…'’"} {
		f.Add(s)
	}
	q := NewQuestion("How long does max_connections wait for json.loads() \"in quotes\"?", "")
	f.Fuzz(func(_ *testing.T, s string) {
		q.MatchText(s)
		NewQuestion(s, "")
	})
}
