package reader

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"legwork/internal/agent"
	"legwork/internal/agent/ranking"
	"legwork/internal/research"
)

func always(*candidate) bool { return true }

// opensFirst offers links to a new frontier and returns the page that it opens first.
func opensFirst(question string, links ...research.Link) *candidate {
	f := newFrontier(ranking.NewQuestion(question, ""), 3, 20)
	f.offer(source{title: "Home", path: "/", root: "example.com"}, links)
	c, _ := f.next(true, always)
	return c
}

func to(path, text, context string) research.Link {
	return research.Link{URL: "https://example.com" + path, Text: text, Context: context}
}

// TestLinkSignals: in each case the first of two links scores higher. The name of the case is the reason.
func TestLinkSignals(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		signal, question string
		better, worse    research.Link
	}{
		{"anchor", "How are locks released?", to("/a", "Locks", ""), to("/b", "Tables", "")},
		{"anchor before context", "How are locks released?", to("/a", "Locks", "Locks"), to("/b", "Here", "Locks are here")},
		{"context", "How are locks released?", to("/a", "Chapter", "Chapter on locks"), to("/b", "Chapter", "Chapter on tables")},
		{"address", "How are locks released?", to("/locks.html", "Here", "Here"), to("/tables.html", "Here", "Here")},
		{"fragment", "How are locks released?", research.Link{URL: "https://example.com/a", Frag: "LOCKS"}, research.Link{URL: "https://example.com/b", Frag: "TABLES"}},
		{"heading", "How are locks released?", research.Link{URL: "https://example.com/a", Text: "x", Heading: "Locks"}, research.Link{URL: "https://example.com/b", Text: "y", Heading: "Rows"}},
		{"name before words", "How do connections relate to max_connections?", to("/a", "max_connections", ""), to("/b", "Connections", "")},
		{"focus", "How are locks released?", to("/a", "Locks", ""), to("/b", "Locks in the history of canals and rivers", "")},
		{"stems", "How are tables replicated?", to("/a", "Replication", ""), to("/b", "Replay", "")},
		{"section numbers are not numbers", "What are the first 10 rows?", to("/a", "Rows", ""), to("/b", "10. Type Conversion", "")},
		{"navigation says nothing", "How are locks released?", to("/a", "Lock release", ""), to("/b", "Next", "Next: lock release and how locks are released")},
		{"index early", "How are locks released?", to("/bookindex.html", "Index", "Index"), to("/b", "Release notes", "")},
		{"site map early", "How are locks released?", to("/x", "Site map", ""), to("/b", "About", "")},
		{"letter of the index", "What is zebra_mode?", to("/genindex-Z.html", "Z", "A B Z"), to("/genindex-A.html", "A", "A B Z")},
	} {
		for _, links := range [][]research.Link{{tt.better, tt.worse}, {tt.worse, tt.better}} {
			if c := opensFirst(tt.question, links...); c == nil || c.url != tt.better.URL {
				t.Errorf("%s: opened %+v", tt.signal, c)
			}
		}
	}
}

// TestHubsCostPages: an index is not opened first if too few pages or too little depth are left to follow its links.
func TestHubsCostPages(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		depth, pages int
		first        string
	}{{3, 20, "/bookindex.html"}, {2, 5, "/bookindex.html"}, {3, 4, "/locks"}, {1, 20, "/locks"}} {
		f := newFrontier(ranking.NewQuestion("How are locks released?", ""), tt.depth, tt.pages)
		f.offer(source{title: "Home", path: "/", root: "example.com"}, []research.Link{to("/bookindex.html", "Index", ""), to("/locks", "On locks and keys", "")})
		if c, _ := f.next(true, always); c == nil || c.url != "https://example.com"+tt.first {
			t.Errorf("%+v: %+v", tt, c)
		}
	}
}

func TestFrontierRarity(t *testing.T) {
	t.Parallel()
	links := []research.Link{to("/rare", "Zebra", "")}
	for i := range 30 {
		links = append(links, to(fmt.Sprintf("/%d", i), "Common table", ""))
	}
	slices.Reverse(links)
	if c := opensFirst("Which table holds the zebra?", links...); c.url != "https://example.com/rare" {
		t.Errorf("opened %s", c.url)
	}
}

func TestFrontierMentionsAddUp(t *testing.T) {
	t.Parallel()
	links := []research.Link{to("/one", "Deadlock", ""), to("/two", "Deadlock", ""), to("/two", "Timeout", "")}
	c := opensFirst("What is the timeout for a deadlock?", links...)
	if c.url != "https://example.com/two" {
		t.Errorf("opened %s", c.url)
	}
	if !strings.Contains(c.why, "its text shares deadlock") && !strings.Contains(c.why, "its text shares timeout") || c.label() != "“Deadlock”" {
		t.Errorf("why: %s, label %s", c.why, c.label())
	}
}

func TestFrontierPartsOfAPage(t *testing.T) {
	t.Parallel()
	f := newFrontier(ranking.NewQuestion("What does logical replication leave out?", ""), 3, 20)
	f.offer(source{title: "31. Logical Replication", path: "/logical-replication.html", depth: 1, root: "example.com"}, []research.Link{
		to("/other.html", "Replication logic", ""), to("/logical-replication-restrictions.html", "31.6. Restrictions", "")})
	f.offer(source{title: "Elsewhere", path: "/x.html", depth: 1, root: "example.com"}, []research.Link{to("/logical-replication-lore.html", "Lore", "")})
	var order []string
	for c, _ := f.next(true, always); c != nil; c, _ = f.next(true, always) {
		order = append(order, strings.TrimPrefix(c.url, "https://example.com"))
	}
	if slices.Index(order, "/logical-replication-restrictions.html") > slices.Index(order, "/logical-replication-lore.html") {
		t.Errorf("order %v", order)
	}
}

func TestFrontierTakesEachPageOnce(t *testing.T) {
	t.Parallel()
	f := newFrontier(ranking.NewQuestion("How are locks released?", ""), 3, 20)
	f.markOpened("https://example.com/done")
	from := source{title: "Home", path: "/", root: "example.com"}
	f.offer(from, []research.Link{to("/done", "Locks", ""), to("/a", "Locks", ""), to("/a", "Lock release", ""), to("/file.zip", "Locks", ""),
		{URL: "https://example.org/far", Text: "Unrelated"}, to("/near", "Unrelated", ""), {URL: ":bad", Text: "Locks"}})
	from.depth = 3
	f.offer(from, []research.Link{to("/a", "Locks", "")})
	c, _ := f.next(false, always)
	if c == nil || c.url != "https://example.com/a" || c.depth != 1 {
		t.Fatalf("%+v", c)
	}
	if c, _ := f.next(false, always); c != nil {
		t.Errorf("opened %s without a reason", c.url)
	}
	if c, _ := f.next(true, always); c == nil || c.url != "https://example.com/near" || !strings.Contains(c.why, "nothing closer") || f.unrelated != 1 {
		t.Errorf("desperate: %+v", c)
	}
	if c, _ := f.next(true, always); c != nil {
		t.Errorf("a stray on another site: %s", c.url)
	}
	f.offer(from, []research.Link{to("/deep", "Locks released", "")})
	c, refused := f.next(true, func(c *candidate) bool { return c.depth < 4 })
	if c != nil || refused < relevantLink {
		t.Errorf("%+v, refused %v", c, refused)
	}
}

func passage(text string, score, share float64, page string) agent.FoundPassage {
	return agent.FoundPassage{Text: text, Score: score, Share: share, Covered: share, PageID: page, Title: "T", End: len(text)}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	texts := func(ps []agent.FoundPassage) string {
		var out []string
		for _, p := range ps {
			out = append(out, p.Text)
		}
		return strings.Join(out, ",")
	}
	for _, tt := range []struct {
		name string
		in   []agent.FoundPassage
		want string
	}{
		{"nothing", nil, ""},
		{"irrelevant", []agent.FoundPassage{passage("a", 1, 0.1, "1")}, ""},
		{"at most five", []agent.FoundPassage{passage("a", 1, 1, "1"), passage("b", 1, 1, "2"), passage("c", 1, 1, "3"), passage("d", 1, 1, "4"), passage("e", 1, 1, "5"), passage("f", 1, 1, "6")}, "a,b,c,d,e"},
		{"at most four of a page", []agent.FoundPassage{passage("a", 1, 1, "1"), passage("b", 1, 1, "1"), passage("c", 1, 1, "1"), passage("d", 1, 1, "1"), passage("e", 1, 1, "1"), passage("f", 1, 1, "2")}, "a,b,c,d,f"},
		{"weak ones end it", []agent.FoundPassage{passage("a", 1, 1, "1"), passage("b", 0.4, 1, "2"), passage("c", 0.4, 1, "3")}, "a,b"},
		{"no repetition", []agent.FoundPassage{passage("the same words here", 1, 1, "1"), passage("the same words, here", 1, 1, "2"), passage("b", 1, 1, "3")}, "the same words here,b"},
		{"other numbers are no repetition", []agent.FoundPassage{passage("the value x is 3", 1, 1, "1"), passage("the value x is 5", 1, 1, "2")}, "the value x is 3,the value x is 5"},
	} {
		if got := texts(choose(tt.in)); got != tt.want {
			t.Errorf("%s: %s", tt.name, got)
		}
	}
}

func TestWholeSentences(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"A whole one. And two.":                    "A whole one. And two.",
		"end of it. A whole one.":                  "A whole one.",
		"A whole one. Beginning of a":              "A whole one.",
		"rest of it. A whole one. Start of":        "A whole one.",
		"- item one\n- item":                       "- item one\n- item",
		"A whole one. And:\nlist":                  "A whole one. And:\nlist",
		"no sentence at all":                       "no sentence at all",
		"It says “yes.” Then the rest of a thing":  "It says “yes.”",
		"the end of it.\n\nA whole one.":           "A whole one.",
		"timeout (integer)\n\n A time. It is set.": "timeout (integer)\n\n A time. It is set.",
		"pg_dump reads all. Nothing is changed.":   "pg_dump reads all. Nothing is changed.",
	} {
		if from, to := wholeSentences(in); in[from:to] != want {
			t.Errorf("%q: %q", in, in[from:to])
		}
	}
}

func TestComposeSaysHowMuchWasRead(t *testing.T) {
	t.Parallel()
	if got := compose([]agent.FoundPassage{passage("Line one.\nLine two.", 1, 1, "1")}, nil, 1); !strings.Contains(got, "the 1 page read") ||
		!strings.Contains(got, "> Line one.\n> Line two.\n\n[1] T") {
		t.Errorf("%s", got)
	}
	if got := compose(nil, []string{"zebra", "quagga"}, 3); !strings.Contains(got, "on any of the pages: zebra, quagga.") {
		t.Errorf("%s", got)
	}
	if got := compose(nil, nil, 3); !strings.Contains(got, "3 pages") || !strings.Contains(got, "No language model was used") {
		t.Errorf("%s", got)
	}
}

func FuzzWholeSentences(f *testing.F) {
	for _, s := range []string{"rest. A sentence. An", "a, b", "日本語 text", "\xff\xfe. x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		s = strings.ToValidUTF8(s, "?")
		if from, to := wholeSentences(s); from < 0 || from > to || to > len(s) || !utf8.ValidString(s[from:to]) {
			t.Fatalf("%q: sentences %d..%d", s, from, to)
		}
	})
}
