package bigrams_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"legwork/internal/bigrams"
	"legwork/internal/testcost"
)

func ExampleSpaced() {
	fmt.Println(strings.Fields(bigrams.Spaced("The fee (入浴料) is ¥650")))
	// Output: [The fee ( 入浴 浴料 ) is ¥650]
}

func TestSpaced(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, want string }{
		{"no such letters", "max_connections is 100", "max_connections is 100"},
		{"empty", "", ""},
		{"Chinese", "竹棚架", "竹棚 棚架"},
		{"Japanese in three scripts is one run", "露天風呂のサウナ", "露天 天風 風呂 呂の のサ サウ ウナ"},
		{"a long vowel belongs to its run", "タワー", "タワ ワー"},
		{"one letter alone", "湯 is hot", "湯 is hot"},
		{"Latin and digits cut a run", "第3版PDF版", "第 3 版 PDF 版"},
		{"punctuation cuts a run", "開店。閉店", "開店 。 閉店"},
		{"Thai, marks stay with their letters", "น้ำ", "น้ำ"},
		{"Thai pairs", "กขค", "กข ขค"},
		{"Korean has spaces", "서울 지하철", "서울 지하철"},
		{"half-width Katakana", "ｶﾀﾅ", "ｶﾀ ﾀﾅ"},
	} {
		if got := strings.Join(strings.Fields(bigrams.Spaced(c.text)), " "); got != c.want {
			t.Errorf("%s: %q gives %q, want %q", c.name, c.text, got, c.want)
		}
	}
}

// FuzzSpaced checks that a text is found inside a longer text: each pair of letters of s also occurs when s is between
// other letters. It also checks the size of the output: each letter occurs at most twice, and the rest is spaces.
func FuzzSpaced(f *testing.F) {
	for _, s := range []string{"入浴料", "a入b", "น้ำ", "ー", "\u0301入\u0301"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if first, _ := utf8.DecodeRuneInString(s); !utf8.ValidString(s) || unicode.IsMark(first) {
			return // a combining mark at the beginning belongs to the text before it
		}
		var out string
		testcost.Check(t, len(s), testcost.Limit{Time: 5 * time.Microsecond, Alloc: 200}, func() { out = bigrams.Spaced(s) })
		if !utf8.ValidString(out) || len(out) > 4*len(s)+2 {
			t.Fatalf("%q gives %q", s, out)
		}
		if strings.IndexFunc(s, bigrams.Is) < 0 && out != s {
			t.Fatalf("%q was changed to %q", s, out)
		}
		in := strings.Fields(bigrams.Spaced("前" + s + "後"))
		for _, w := range strings.Fields(out) {
			if letters := strings.IndexFunc(w[size(w):], func(r rune) bool { return !unicode.IsMark(r) }); letters >= 0 && strings.IndexFunc(w, bigrams.Is) == 0 && !slices.Contains(in, w) {
				t.Fatalf("%q of %q is not found in a text that holds it: %q", w, s, in)
			}
		}
	})
}

// size returns the length of the first character of s, in bytes.
func size(s string) int {
	_, n := utf8.DecodeRuneInString(s)
	return n
}
