package ranking

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestTokenize(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   string
		want []string
	}{
		{"What is max_connections?", []string{"What", "is", "max_connections"}},
		{"json.loads raises. Then", []string{"json.loads", "raises", "Then"}},
		{"the table's name; tables’ rows", []string{"the", "table", "name", "tables", "rows"}},
		{"row-level security -- no", []string{"row-level", "security", "no"}},
		{"Größe: 1,7 Liter", []string{"Größe", "1", "7", "Liter"}},
		{"", nil},
	} {
		var got []string
		for _, tok := range Tokenize(tt.in) {
			got = append(got, tok.text)
			if !strings.HasPrefix(tt.in[tok.start:tok.end], tok.text) {
				t.Errorf("%q: span %q is not %q", tt.in, tt.in[tok.start:tok.end], tok.text)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%q: %q", tt.in, got)
		}
	}
	marked := map[string]bool{}
	for _, tok := range Tokenize("Does now() read ~/.pgpass with --jobs or $HOME, costs $5, ends. Next") {
		if tok.call || tok.prefixed {
			marked[tok.text] = true
		}
	}
	if len(marked) != 4 || !marked["now"] || !marked["pgpass"] || !marked["jobs"] || !marked["HOME"] {
		t.Errorf("names by their signs: %v", marked)
	}
}

func TestSplitName(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"ThreadPoolExecutor": "Thread Pool Executor", "max_connections": "max connections", "UUIDs": "UUIDs", "plain": "plain",
		"os.path.join": "os path join", "__init__": "init", "pgSQL": "pg SQL",
	} {
		if got := strings.Join(splitName(in), " "); got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
}

func TestStem(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ language, word, want string }{
		{"", "connections", "connect"}, {"en", "replicated", "replic"}, {"de", "häuser", "haus"}, {"xx", "words", "words"}, {"en", "is", "is"},
	} {
		if got := stem(tt.language, tt.word); got != tt.want {
			t.Errorf("%s %s: %s", tt.language, tt.word, got)
		}
	}
}

func FuzzTokenize(f *testing.F) {
	for _, s := range []string{"a.b-c's", "’s", "--x", "\xff\xfe", "日本語 text", "…'’", "$\u0301a"} {
		f.Add(s)
	}
	q := NewQuestion("How long does max_connections wait for json.loads() \"in quotes\"?", "", nil)
	f.Fuzz(func(t *testing.T, s string) {
		s = strings.ToValidUTF8(s, "?")
		last := -1
		for _, tok := range Tokenize(s) {
			if tok.start <= last || tok.end <= tok.start || tok.end > len(s) || !utf8.ValidString(tok.text) {
				t.Fatalf("%q: %+v after %d", s, tok, last)
			}
			last = tok.start // tokens of scripts without spaces overlap
			q.match(tok)
		}
		NewQuestion(s, "", nil)
	})
}

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
		q := NewQuestion(tt.question, "", nil)
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
	q := NewQuestion(strings.Repeat("alpha beta1 gamma2 delta3 ", 3)+strings.Join(manyWords(200), " "), "", nil)
	if len(q.Terms) > maxTerms {
		t.Errorf("%d terms", len(q.Terms))
	}
	q = NewQuestion(`What does "could not connect" mean?`, "", nil)
	if !slices.Equal(q.phrases, []string{"could not connect"}) {
		t.Errorf("phrases %q", q.phrases)
	}
	if got := q.Query(); !strings.HasPrefix(got, q.text) {
		t.Errorf("query %q", got)
	}
	if got := NewQuestion("How long is the lease?", "", nil).Query(); !strings.Contains(got, "timeout") {
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

func TestStopWordsOfOtherLanguages(t *testing.T) {
	t.Parallel()
	asked := 0
	lexemes := func(_ context.Context, language, word string) ([]string, error) {
		asked++
		if language != "de" {
			t.Errorf("language %q", language)
		}
		if word == "der" || word == "viel" {
			return nil, nil
		}
		return []string{word}, nil
	}
	q, err := QuestionIn(t.Context(), "Wie viel fasst der der Kocher", "de", lexemes)
	if err != nil || asked != 5 {
		t.Fatalf("%v after %d words", err, asked)
	}
	if _, ok := q.byKey["viel"]; ok || len(q.Terms) != 3 {
		t.Errorf("%+v", q.Terms)
	}
	down := errors.New("down")
	if _, err := QuestionIn(t.Context(), "Wie", "de", func(context.Context, string, string) ([]string, error) { return nil, down }); !errors.Is(err, down) {
		t.Errorf("err = %v", err)
	}
}

func TestTokenizeWithoutSpaces(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"大人の入浴料", "大人 人の の入 入浴 浴料"},
		{"PDF版とmax_connectionsの値", "PDF 版と max_connections の値"},
		{"入浴料650円、税込", "入浴 浴料 650 円 税込"},
		{"ああああ", "ああ ああ ああ"},
		{"竹棚架 and steel", "竹棚 棚架 and steel"},
	} {
		var got []string
		for _, tok := range Tokenize(c.text) {
			if c.text[tok.start:tok.end] != tok.text {
				t.Errorf("%q: the token %q stands elsewhere: %q", c.text, tok.text, c.text[tok.start:tok.end])
			}
			got = append(got, tok.text)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%q gives %q, want %q", c.text, strings.Join(got, " "), c.want)
		}
	}
	q := NewQuestion("大人の入浴料はいくらですか", "ja", nil)
	if q.Named() {
		t.Error("letters without case are not capitals")
	}
	fee, grammar := q.Terms[q.byKey["浴料"]].Weight, q.Terms[q.byKey["です"]].Weight
	if fee <= grammar {
		t.Errorf("浴料 weighs %.2f, です %.2f", fee, grammar)
	}
}
