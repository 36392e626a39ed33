package words

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"legwork/internal/testcost"
)

func TestSplit(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   string
		want []string
	}{
		{"What is max_connections?", []string{"What", "is", "max_connections"}},
		{"json.loads raises. Then", []string{"json.loads", "raises", "Then"}},
		{"the table's name; tables’ rows", []string{"the", "table", "name", "tables", "rows"}},
		{"row-level security -- no", []string{"row-level", "security", "no"}},
		{"Größe: 1,7 Liter", []string{"Größe", "1,7", "Liter"}},
		{"Python 3.11, 1,000,000 rows,then", []string{"Python", "3.11", "1,000,000", "rows", "then"}},
		{"git-gc --prune=now -p ../x", []string{"git-gc", "prune", "now", "p", "x"}},
		{"C++ and C#, g++: a+b, 5# C++17", []string{"C++", "and", "C#", "g++", "a", "b", "5", "C", "17"}},
		{"std::vector key:value", []string{"std", "vector", "key", "value"}},
		{"__init__ ___ a_b", []string{"__init__", "a_b"}},
		{"don't l’eau", []string{"don't", "l’eau"}},
		{"Привет, мир", []string{"Привет", "мир"}},
		{"서울 지하철", []string{"서울", "지하철"}},
		{"大人の入浴料", []string{"大人", "人の", "の入", "入浴", "浴料"}},
		{"PDF版とmax_connectionsの値", []string{"PDF", "版と", "max_connections", "の値"}},
		{"入浴料650円、税込", []string{"入浴", "浴料", "650", "円", "税込"}},
		{"ああああ", []string{"ああ", "ああ", "ああ"}},
		{"タワー ｶﾀﾅ", []string{"タワ", "ワー", "ｶﾀ", "ﾀﾅ"}},
		{"กขค น้ำ", []string{"กข", "ขค", "น้ำ"}},
		{"", nil},
	} {
		var got []string
		for _, tok := range Split(tt.in) {
			got = append(got, tok.Text)
			if !strings.HasPrefix(tt.in[tok.Start:tok.End], tok.Text) {
				t.Errorf("%q: span %q is not %q", tt.in, tt.in[tok.Start:tok.End], tok.Text)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%q: %q", tt.in, got)
		}
	}
	var marked []string
	for _, tok := range Split("Does now() read ~/.pgpass with --jobs or -p or $HOME, costs $5, a -- b, well-known. Next") {
		if tok.Call || tok.Prefixed {
			marked = append(marked, tok.Text)
		}
	}
	if strings.Join(marked, " ") != "now pgpass jobs p HOME" {
		t.Errorf("names by their signs: %v", marked)
	}
}

func TestSplitName(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"ThreadPoolExecutor": "Thread Pool Executor", "max_connections": "max connections", "UUIDs": "UUIDs", "plain": "plain",
		"os.path.join": "os path join", "__init__": "init", "pgSQL": "pg SQL", "3.11": "3 11", "git-gc": "git gc", "1,000": "1 000",
	} {
		if got := strings.Join(splitName(in), " "); got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
}

func TestFoldAndStem(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ language, word, want string }{
		{"", "Connections", "connect"},
		{"en", "replicated", "replic"},
		{"de", "Häuser", "haus"},
		{"de", "STRASSE", "strass"},
		{"de", "Straße", "strass"},
		{"nb", "husene", "hus"},
		{"ru", "Сервера", "сервер"},
		{"xx", "Words", "words"},
		{"en", "is", "is"},
		{"ja", "ＰＤＦ", "pdf"},
		{"ja", "ｶﾀ", "カタ"},
		{"", "don’t", "don't"},
	} {
		if got := Stem(tt.language, Fold(tt.word)); got != tt.want {
			t.Errorf("%s %s: %s", tt.language, tt.word, got)
		}
	}
}

func FuzzSplit(f *testing.F) {
	for _, s := range []string{"a.b-c's", "’s", "--x", "\xff\xfe", "日本語 text", "…'’", "$\u0301a", "入浴料", "a入b", "น้ำ", "ー", "\u0301入\u0301", "1,0٬1", "C++#", "aBc ABc aB9c A b_"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var tokens []Token
		testcost.Check(t, len(s), testcost.Limit{Time: 20 * time.Microsecond, Alloc: 1500}, func() { tokens = Split(s) })
		last := -1
		for _, tok := range tokens {
			if tok.Start <= last || tok.End <= tok.Start || tok.End > len(s) || utf8.ValidString(s) && !utf8.ValidString(tok.Text) {
				t.Fatalf("%q: %+v after %d", s, tok, last)
			}
			if oneWord(tok.Text) && !slices.Equal(splitName(tok.Text), tok.Parts) {
				t.Fatalf("%q: the parts of %q are %q", s, tok.Text, tok.Parts)
			}
			last = tok.Start // tokens of scripts without spaces overlap
			tok.Lower()
		}
		Detect(s)
		Query(s, 24)
	})
}
