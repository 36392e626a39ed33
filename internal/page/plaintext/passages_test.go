package plaintext

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"legwork/internal/research"
)

// spans returns passages as "heading | text".
func spans(text string) []string {
	runes := []rune(text)
	var out []string
	for _, p := range Passages(text) {
		out = append(out, p.Heading+" | "+string(runes[p.Start:p.End]))
	}
	return out
}

func TestPassages(t *testing.T) {
	t.Parallel()
	long := strings.TrimSpace(strings.Repeat("This sentence has exactly fifty characters in it. ", 12)) // 599 code points
	tail := strings.TrimSpace(strings.Repeat("x", 150)) + "."
	for name, tt := range map[string]struct {
		text string
		want []string
	}{
		"nothing":       {"", nil},
		"white space":   {" \n\t\n", nil},
		"only headings": {"# A\n\n## B\n", nil},
		"one paragraph": {"Some words.", []string{" | Some words."}},
		"heading path": {"# T\n\nOne.\n\n## A\n\nTwo.\n\n### B\n\nThree.\n\n## C\n\nFour.",
			[]string{"T | One.", "T › A | Two.", "T › A › B | Three.", "T › C | Four."}},
		"comment is no heading":     {"# set the port\nport = 1", []string{" | # set the port\nport = 1"}},
		"small paragraphs together": {"One.\n\nTwo.", []string{" | One.\n\nTwo."}},
		"large paragraphs apart": {strings.Repeat("a ", 120) + "\n\n" + strings.Repeat("b ", 60),
			[]string{" | " + strings.TrimSpace(strings.Repeat("a ", 120)), " | " + strings.TrimSpace(strings.Repeat("b ", 60))}},
		"cut at sentences": {long, []string{" | " + long[:399], " | " + long[400:]}},
		"cut at words":     {strings.TrimSpace(strings.Repeat("word ", 100)), []string{" | " + strings.TrimSpace(strings.Repeat("word ", 80)), " | " + strings.TrimSpace(strings.Repeat("word ", 20))}},
		"cut hard":         {strings.Repeat("ä", 900), []string{" | " + strings.Repeat("ä", 400), " | " + strings.Repeat("ä", 400), " | " + strings.Repeat("ä", 100)}},
		"abbreviation":     {strings.Repeat("a", 380) + " e.g. b" + strings.Repeat("c", 100), []string{" | " + strings.Repeat("a", 380) + " e.g.", " | b" + strings.Repeat("c", 100)}},
		"term with definition": {"**a (int)**\n\n Means A.\n\n**b**\n\n Means B.\n\nAfterwards.",
			[]string{"a (int) | **a (int)**\n\n Means A.", "b | **b**\n\n Means B.", " | Afterwards."}},
		"several terms": {"**a**\n**b**\n\n Means both.\n\n " + tail + tail + tail, []string{"a, b | **a**\n**b**\n\n Means both.", "a, b | " + tail + tail + tail[:98], "a, b | " + tail[98:]}},
		"long definition": {"# T\n\n**a**\n\n " + long + "\n\n**b**\n\n B.",
			[]string{"T › a | **a**\n\n " + long[:349], "T › a | " + long[350:], "T › b | **b**\n\n B."}},
		"nested terms": {"**a**\n\n **b**\n\n  Means B.\n\n**c**\n\n C.", []string{"a | **a**\n\n **b**\n\n  Means B.", "c | **c**\n\n C."}},
		"list":         {"Do:\n\n- one\n- two\n  - three\n\nDone.", []string{" | Do:\n\n- one\n- two\n  - three", " | Done."}},
		"table":        {"| A | B |\n| --- | --- |\n| 1 | 2 |\n| 3 | 4 |", []string{" | | A | B |\n| --- | --- |\n| 1 | 2 |\n| 3 | 4 |"}},
		"code":         {"Run:\n\n```sh\n# not a heading\n\nls\n```\n\nThen look.", []string{" | Run:\n\n```sh\n# not a heading\n\nls\n```", " | Then look."}},
		"long code":    {"```\n" + strings.Repeat("line of code\n", 40) + "```", []string{" | " + strings.TrimSpace(strings.Repeat("line of code\n", 30)), " | " + strings.TrimSpace(strings.Repeat("line of code\n", 10))}},
		"open fence":   {"```\ncode", []string{" | ```\ncode"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := spans(tt.text)
			if strings.Join(got, "\n=====\n") != strings.Join(tt.want, "\n=====\n") {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n=====\n"), strings.Join(tt.want, "\n=====\n"))
			}
			checkPassages(t, tt.text)
		})
	}
}

// checkPassages checks all invariants of Passages on a text.
func checkPassages(t *testing.T, text string) {
	t.Helper()
	runes := []rune(text)
	covered := make([]bool, len(runes))
	last := 0
	for i, p := range Passages(text) {
		if p.Ord != i || p.Start < last || p.End <= p.Start || p.End > len(runes) || p.End-p.Start > research.MaxExcerpt {
			t.Fatalf("passage %d: %+v after %d of %d", i, p, last, len(runes))
		}
		if unicode.IsSpace(runes[p.Start]) || unicode.IsSpace(runes[p.End-1]) {
			t.Fatalf("passage %d is not trimmed: %q", i, string(runes[p.Start:p.End]))
		}
		if !utf8.ValidString(p.Heading) && utf8.ValidString(text) {
			t.Fatalf("heading %q", p.Heading)
		}
		last = p.End
		for j := p.Start; j < p.End; j++ {
			covered[j] = true
		}
	}
	pos := 0
	for line := range strings.Lines(text) {
		n := utf8.RuneCountInString(line)
		words := strings.TrimSpace(line)
		level, _ := HeadingLine(words)
		skipped := level > 0 || strings.HasPrefix(words, "```") || strings.HasPrefix(words, "~~~") || strings.Trim(words, "|-: ") == ""
		for j := pos; j < pos+n && !skipped; j++ {
			if !covered[j] && !unicode.IsSpace(runes[j]) {
				t.Fatalf("%q is in no passage (line %q)", runes[j], line)
			}
		}
		pos += n
	}
}

func FuzzPassages(f *testing.F) {
	f.Add("# T\n\n**a**\n\n Text. More.\n\n- x\n- y\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n\n```\ncode\n```\n")
	f.Add(strings.Repeat("wörd. ", 200))
	f.Add("````\n```\n````\n# x\n\n~~~")
	f.Add("**" + strings.Repeat("t", 500) + "**\n\n d")
	f.Add("日本語。" + strings.Repeat("日本語のテキスト。", 80))
	f.Add("\xff\xfe\u2028\u3000 a\v\fb")
	f.Fuzz(checkPassages)
}

func TestPassagesAreLinear(t *testing.T) {
	t.Parallel()
	// An algorithm with quadratic time would take a minute.
	text := strings.Repeat("**term**\n\n Definition of it.\n\n", 20_000) + strings.Repeat("x", 500_000)
	if n := len(passages(text, scanBlocks(text), 1<<20)); n < 20_000 {
		t.Errorf("%d passages", n)
	}
}

// TestPassagesAreBounded: a page of a million lines has at most MaxPassages passages.
func TestPassagesAreBounded(t *testing.T) {
	t.Parallel()
	got := Passages(strings.Repeat(strings.Repeat("word ", 70)+"\n\n", MaxPassages+50))
	if len(got) != MaxPassages {
		t.Errorf("%d passages", len(got))
	}
}
