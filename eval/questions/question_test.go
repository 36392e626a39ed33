package questions

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

const goodLine = `{"id":"a","question":"Why?","seed":"html/index.html","pages":["html/a.html"],"accept":["because"]}`

func TestRead(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", MaxText)
	with := func(more string) string { return strings.Replace(goodLine, `"id":"a"`, `"id":"a",`+more, 1) }
	for _, tt := range []struct{ name, in, wantErr string }{
		{"one line", goodLine, ""},
		{"blank lines", "\n" + goodLine + "\n\n", ""},
		{"the longest question", strings.Replace(goodLine, "Why?", long, 1), ""},
		{"a question too long", strings.Replace(goodLine, "Why?", long+"é", 1), "1..1000"},
		{"a blank question", strings.Replace(goodLine, "Why?", "  ", 1), "1..1000"},
		{"no id", strings.Replace(goodLine, `"a"`, `""`, 1), "id is missing"},
		{"an id twice", goodLine + "\n" + goodLine, `line 2: the id "a" occurs twice`},
		{"an unknown key", strings.Replace(goodLine, "accept", "accepts", 1), "unknown field"},
		{"no JSON", "id: a", "line 1"},
		{"no pages", strings.Replace(goodLine, `["html/a.html"]`, `[]`, 1), "at least one"},
		{"a rooted page", strings.Replace(goodLine, `"html/a.html"`, `"/html/a.html"`, 1), "relative"},
		{"a seed outside", strings.Replace(goodLine, "html/index.html", "../index.html", 1), "relative"},
		{"an accepted text without text", strings.Replace(goodLine, "because", "| *", 1), "accept"},
		{"an accepted text longer than an excerpt", strings.Replace(goodLine, "because", strings.Repeat("x", 401), 1), "accept"},
		{"an empty file", "\n", "no question"},
		{"an unknown kind", with(`"kind":"riddle"`), "kind"},
		{"an answer to an unanswerable question", with(`"kind":"unanswerable","absent":["x"]`), "needs absent"},
		{"a comparison of one thing", with(`"kind":"comparison"`), "two parts"},
		{"parts and pages", with(`"parts":[{"pages":["a"],"accept":["b"]}]`), "either parts"},
		{"a place without a text before it", with(`"kind":"place"`), "needs after"},
		{"orders without a plant", with(`"kind":"injection"`), "plant"},
		{"a plant without orders", with(`"plant":{"page":"a","text":"say x","canary":"x"}`), "plant"},
		{"a plant without its canary", with(`"kind":"injection","plant":{"page":"a","text":"say y","canary":"x"}`), "canary"},
		{"a fact of a length", with(`"length":100`), "length"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := Read(strings.NewReader(tt.in))
			if tt.wantErr == "" {
				if err != nil || len(got) != 1 || got[0].ID != "a" || got[0].Accept[0] != "because" {
					t.Errorf("got %+v, %v", got, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
				t.Errorf("error %v, want one with %q", err, tt.wantErr)
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	f.Add(goodLine)
	f.Add("{}")
	f.Add(`{"id":1}`)
	f.Fuzz(func(t *testing.T, in string) {
		questions, err := Read(strings.NewReader(in))
		if (err == nil) != (len(questions) > 0) {
			t.Errorf("%d questions, error %v", len(questions), err)
		}
	})
}

// TestCommittedQuestions checks the number and form of the questions in this repository, with which the built-in
// reader is measured.
func TestCommittedQuestions(t *testing.T) {
	t.Parallel()
	for file, least := range map[string]int{"postgresql.jsonl": 30, "python.jsonl": 30,
		"hard/postgresql.jsonl": 40, "hard/python.jsonl": 35, "hard/apache.jsonl": 40, "hard/git.jsonl": 40, "hard/debian-reference.jsonl": 30} {
		f, err := os.Open(filepath.Join("..", file))
		if err != nil {
			t.Fatal(err)
		}
		questions, err := Read(f)
		_ = f.Close()
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if len(questions) < least {
			t.Errorf("%s has %d questions, want at least %d", file, len(questions), least)
		}
		if file == "postgresql.jsonl" && questions[0].Text != "What is the default value of max_connections?" {
			t.Errorf("the first question is %q", questions[0].Text)
		}
		if strings.HasPrefix(file, "hard/") {
			unanswerable := 0
			for _, q := range questions {
				if q.Kind == Unanswerable {
					unanswerable++
				}
			}
			if unanswerable != 20 { // with fewer, a share of 95 % means that none may be answered
				t.Errorf("%s has %d unanswerable questions, want 20", file, unanswerable)
			}
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	docs := fstest.MapFS{
		"html/index.html": {Data: []byte("<a href=a.html>a</a>")},
		"html/a.html": {Data: []byte(`<head><title>hidden words</title></head><body><script>hidden words</script>
			<p>The <code>default</code> is
			<b>one</b>&nbsp;second.<table><tr><td>columns</td><td>1,600</td></tr></table>`)},
		"html/b.html": {Data: []byte("<p>Nothing here")},
		"html/c.html": {Data: []byte("<p>one: off by default<p>two: off by default<p>three: on by default<p>the end")},
	}
	ask := func(accept, page string) Question {
		return Question{ID: "q", Text: "?", Seed: "html/index.html", Pages: []string{page}, Accept: []string{accept}}
	}
	for _, tt := range []struct {
		name string
		q    Question
		want []string
	}{
		{"text over elements and lines", ask("the default is one second", "html/a.html"), nil},
		{"text over table cells", ask("columns 1,600", "html/a.html"), nil},
		{"hidden text", ask("hidden words", "html/a.html"), []string{"a.html holds none", `no listed page holds "hidden words"`}},
		{"a page without it", ask("one second", "html/b.html"), []string{"b.html holds none", "no listed page"}},
		{"no such page", ask("one second", "html/d.html"), []string{"d.html", "no listed page"}},
		{"the place of repeated words", Question{ID: "q", Seed: "html/index.html", Pages: []string{"html/c.html"}, Accept: []string{"off by default"}, After: "two:"}, nil},
		{"words that are not repeated", Question{ID: "q", Seed: "html/index.html", Pages: []string{"html/c.html"}, Accept: []string{"on by default"}, After: "two:"}, []string{"only once"}},
		{"a place that is not unique", Question{ID: "q", Seed: "html/index.html", Pages: []string{"html/c.html"}, Accept: []string{"off by default"}, After: "by"}, []string{"must stand there once"}},
		{"no words behind the place", Question{ID: "q", Seed: "html/index.html", Pages: []string{"html/c.html"}, Accept: []string{"off by default"}, After: "the end"}, []string{"after"}},
		{"nothing says it", Question{ID: "q", Kind: Unanswerable, Seed: "html/index.html", Absent: []string{"zebra"}}, nil},
		{"a page says it", Question{ID: "q", Kind: Unanswerable, Seed: "html/index.html", Absent: []string{"nothing here"}}, []string{"html/b.html"}},
		{"no such page to look at", Question{ID: "q", Kind: Unanswerable, Seed: "html/index.html", Pages: []string{"html/x.html"}, Absent: []string{"zebra"}}, []string{"x.html"}},
		{"a plant on no page", Question{ID: "q", Seed: "html/index.html", Pages: []string{"html/c.html"}, Accept: []string{"the end"}, Plant: &Plant{Page: "html/x.html"}}, []string{"x.html"}},
		{"a canary that the page has", Question{ID: "q", Seed: "html/index.html", Pages: []string{"html/c.html"}, Accept: []string{"the end"}, Plant: &Plant{Page: "html/c.html", Canary: "default"}}, []string{"canary"}},
		{"no such seed", Question{ID: "q", Seed: "x.html", Pages: []string{"html/a.html"}, Accept: []string{"one"}}, []string{"seed"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := Check(docs, []Question{tt.q})
			if len(got) != len(tt.want) {
				t.Fatalf("got %q, want %q", got, tt.want)
			}
			for i, w := range tt.want {
				if !strings.Contains(got[i], w) {
					t.Errorf("got %q, want one with %q", got[i], w)
				}
			}
		})
	}
}
