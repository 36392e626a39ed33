package words

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func ExampleKeys() {
	fmt.Println(Keys("en", "The default of max_connections is 100 in version 3.11; see git-gc --prune"))
	// Output: [default max_connections max connect 100 version 3.11 3 11 see git-gc git gc prune -prune]
}

func TestKeys(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ language, text, want string }{
		{"de", "Die Kessel kochen das Wasser", "kessel koch wass"}, //nolint:misspell // not English
		{"xx", "Boiling kettles", "boiling kettles"},
		{"ja", "入浴料は650円", "入浴 浴料 料は 650 円"},
		{"en", "the of and", ""},
		{"en", "NOT NULL and ThreadPoolExecutor()", "null threadpoolexecutor thread pool executor"},
		{"en", strings.Repeat("x", 101), ""},
	} {
		if got := strings.Join(Keys(tt.language, tt.text), " "); got != tt.want {
			t.Errorf("%s %q: %q, want %q", tt.language, tt.text, got, tt.want)
		}
	}
}

// TestQuestionsFindDocuments checks that a word of a question has the key that a document in each language has for it.
func TestQuestionsFindDocuments(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ language, document, question string }{
		{"en", "Kettles are boiling", "boil kettle"},
		{"de", "Die Häuser kochen", "Haus kochen"},
		{"en", "It sets max_connections.", "max_connections"},
		{"en", "Pass --prune=now", "What does --prune do?"},
		{"ja", "大人の入浴料は六百五十円です", "入浴料"},
		{"ja", "ＰＤＦ版", "pdf版"},
		{"zh", "立柱用毛竹", "毛竹"},
	} {
		keys, asked := Keys(tt.language, tt.document), Query(tt.question, 24)[Norm(tt.language)]
		found := 0
		for _, k := range asked {
			if slices.Contains(keys, k) {
				found++
			}
		}
		if found == 0 || tt.question != "What does --prune do?" && found != len(asked) {
			t.Errorf("%q has %q, %q asks for %q", tt.document, keys, tt.question, asked)
		}
	}
}

func TestQuery(t *testing.T) {
	t.Parallel()
	q := Query("How many kettles boil in the kettle?", 24)
	if got := strings.Join(q["en"], " "); got != "mani kettl boil" {
		t.Errorf("English: %q", got)
	}
	if got := strings.Join(q["xx"], " "); got != "many kettles boil" {
		t.Errorf("without stems: %q", got)
	}
	for language, keys := range q {
		if len(keys) != len(q["en"]) {
			t.Errorf("%s has %d keys", language, len(keys))
		}
	}
	if got := Query("the who", 24)["en"]; len(got) != 2 {
		t.Errorf("stop words alone: %q", got)
	}
	if got := Query(strings.Repeat("a1 b2 c3 d4 ", 3)+"e5", 3)["en"]; len(got) != 3 {
		t.Errorf("limit: %q", got)
	}
}

func TestVectorAndOccurrences(t *testing.T) {
	t.Parallel()
	x := NewIndexer("en", "Kettles of o'brien\\x")
	vector := x.Vector("Boiling › Kettles", "A kettle boils. Kettles boil water.")
	got := Occurrences(vector, []string{"kettl", "boil", "water", "o'brien", "none"})
	want := []Counts{{2, 1, 1}, {2, 1, 0}, {1, 0, 0}, {0, 0, 1}, {}}
	if !slices.Equal(got, want) {
		t.Errorf("%q: %+v, want %+v", vector, got, want)
	}
	if got := x.Vector("", ""); !strings.Contains(got, "'kettl':1A") {
		t.Errorf("title alone: %q", got)
	}
	many := Occurrences(NewIndexer("en", "").Vector("", strings.Repeat("kettle ", 400)), []string{"kettl"})
	if many[0].Text != maxPlaces {
		t.Errorf("%d places", many[0].Text)
	}
}

func FuzzVector(f *testing.F) {
	for _, s := range []string{"it's \\ 'quoted'", "", "a:1A,2B", "入浴 '' \\'", "x\x00y"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, heading, text string) {
		if !utf8.ValidString(text) || !utf8.ValidString(heading) || len(text)+len(heading) > 2000 {
			return
		}
		keys := Keys("en", text)
		vector := NewIndexer("en", heading).Vector(heading, text)
		for i, c := range Occurrences(vector, keys) {
			if c.Text == 0 {
				t.Fatalf("%q: %q is not in %q", text, keys[i], vector)
			}
		}
	})
}
