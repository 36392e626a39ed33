package agent

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"legwork/internal/research"
)

func always(*candidate) bool { return true }

// opensFirst offers links and gives the path of the one that is opened first.
func opensFirst(question string, links ...research.Link) *candidate {
	f := newFrontier(newQuestion(question, "", nil), 3, 20)
	f.offer(source{title: "Home", path: "/", root: "example.com"}, links)
	c, _ := f.next(true, always)
	return c
}

func to(path, text, context string) research.Link {
	return research.Link{URL: "https://example.com" + path, Text: text, Context: context}
}

// TestLinkSignals: of two links, the first is better for the one reason that the case is named after.
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

// TestHubsCostPages: an index is not opened first where too few pages or steps are left to use it.
func TestHubsCostPages(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		depth, pages int
		first        string
	}{{3, 20, "/bookindex.html"}, {2, 5, "/bookindex.html"}, {3, 4, "/locks"}, {1, 20, "/locks"}} {
		f := newFrontier(newQuestion("How are locks released?", "", nil), tt.depth, tt.pages)
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
	f := newFrontier(newQuestion("What does logical replication leave out?", "", nil), 3, 20)
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
	f := newFrontier(newQuestion("How are locks released?", "", nil), 3, 20)
	f.take("https://example.com/done")
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
	if c, _ := f.next(true, always); c == nil || c.url != "https://example.com/near" || !strings.Contains(c.why, "nothing closer") || f.strays != 1 {
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

func hit(ord int, heading, text string) research.Hit {
	return research.Hit{Passage: research.Passage{Ord: ord, Heading: heading}, PageID: "p", Title: "Manual", Text: text}
}

// TestPassageSignals: of two passages, the first is better for the one reason that the case is named after.
func TestPassageSignals(t *testing.T) {
	t.Parallel()
	const filler = " It is described together with its relatives in this section."
	for _, tt := range []struct {
		signal, question string
		better, worse    research.Hit
	}{
		{"coverage", "What is the timeout for a deadlock?", hit(0, "", "The timeout of a deadlock."+filler), hit(9, "", "The timeout of a session."+filler)},
		{"own words before heading", "What is a deadlock?", hit(0, "", "A deadlock is one."+filler), hit(9, "Deadlock", "This is one."+filler)},
		{"heading", "What is a deadlock?", hit(0, "Deadlock", "This is a wait."+filler), hit(9, "Session", "This is a wait."+filler)},
		{"entry about just this", "What is the similarity threshold?", hit(0, "", "**similarity_threshold (real)**\n\nSets the similarity threshold."), hit(9, "", "**strict_word_similarity_threshold (real)**\n\nSets the similarity threshold.")},
		{"near each other", "What is the read committed level?", hit(0, "", "Read committed is a level."+filler), hit(9, "", "Read this. Some other text stands between here and the words committed. Level."+filler)},
		{"one sentence", "How do tables avoid wraparound by vacuum?", hit(0, "", "Tables avoid it by vacuum so there is no wraparound. Other text stands here. More of it."), hit(9, "", "Tables are big and old. Much can be done to avoid loss. Then there is vacuum as such. And wraparound.")},
		{"shape", "What is the default of foo?", hit(0, "", "Of foo the default is 7."+filler), hit(9, "", "Of foo no defaults exist."+filler)},
		{"phrase", `What does "too many open files" mean?`, hit(0, "", "Error: too many open files."+filler), hit(9, "", "Open the files, not too many."+filler)},
		{"sentences before lists", "What are indexes on tables?", hit(0, "", "Indexes on tables are structures of their own."), hit(9, "", "- indexes on tables\n- structures\n- of their own")},
		{"no fragments", "What are indexes?", hit(0, "", "Indexes are structures of their own, kept beside tables."), hit(9, "", "Indexes are such.")},
		{"no mere links", "What are indexes?", hit(0, "", "Indexes are structures of their own, kept beside tables"), hit(9, "", "- Indexes of many kinds, Chapter on Indexes and Tables")},
	} {
		q := newQuestion(tt.question, "", nil)
		facts := map[string]pageFacts{"p": newFacts(q, []research.Link{{Text: "Chapter", Context: "Indexes of many kinds, Chapter on Indexes and Tables"}})}
		for _, hits := range [][]research.Hit{{tt.better, tt.worse}, {tt.worse, tt.better}} {
			ranked := rank(hits, facts, nil)
			if ranked[0].hit.Text != tt.better.Text || ranked[0].score <= ranked[1].score {
				t.Errorf("%s: %.3f %q before %.3f %q", tt.signal, ranked[0].score, ranked[0].hit.Text, ranked[1].score, ranked[1].hit.Text)
			}
		}
	}
}

// TestEntriesBelongTogether: what the rest of a definition leaves unsaid, its beginning says.
func TestEntriesBelongTogether(t *testing.T) {
	t.Parallel()
	q := newQuestion("How long does the server wait before it checks for a deadlock?", "", nil)
	rest := "Increasing this value makes checks rarer. The default is one second (1s)."
	ranked := rank([]research.Hit{
		hit(0, "Locks", "**deadlock_timeout (integer)**\n\nThis is the time that the server waits before it checks."),
		hit(1, "Locks › deadlock_timeout (integer)", rest),
		hit(5, "Locks › other_timeout (integer)", rest+" "),
	}, map[string]pageFacts{"p": newFacts(q, nil)}, map[*question]int{q: 40})
	if ranked[2].hit.Ord != 5 || ranked[0].key != ranked[1].key {
		t.Errorf("%+v", ranked)
	}
}

func TestRankLeavesOutUnknownPages(t *testing.T) {
	t.Parallel()
	if got := rank([]research.Hit{hit(0, "", "text")}, nil, nil); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

func passage(text string, score, share float64, page string) foundPassage {
	return foundPassage{Text: text, Score: score, Share: share, Covered: share, PageID: page, Title: "T", End: len(text)}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	texts := func(ps []foundPassage) string {
		var out []string
		for _, p := range ps {
			out = append(out, p.Text)
		}
		return strings.Join(out, ",")
	}
	for _, tt := range []struct {
		name string
		in   []foundPassage
		want string
	}{
		{"nothing", nil, ""},
		{"irrelevant", []foundPassage{passage("a", 1, 0.1, "1")}, ""},
		{"at most five", []foundPassage{passage("a", 1, 1, "1"), passage("b", 1, 1, "2"), passage("c", 1, 1, "3"), passage("d", 1, 1, "4"), passage("e", 1, 1, "5"), passage("f", 1, 1, "6")}, "a,b,c,d,e"},
		{"at most four of a page", []foundPassage{passage("a", 1, 1, "1"), passage("b", 1, 1, "1"), passage("c", 1, 1, "1"), passage("d", 1, 1, "1"), passage("e", 1, 1, "1"), passage("f", 1, 1, "2")}, "a,b,c,d,f"},
		{"weak ones end it", []foundPassage{passage("a", 1, 1, "1"), passage("b", 0.4, 1, "2"), passage("c", 0.4, 1, "3")}, "a,b"},
		{"no repetition", []foundPassage{passage("the same words here", 1, 1, "1"), passage("the same words, here", 1, 1, "2"), passage("b", 1, 1, "3")}, "the same words here,b"},
		{"other numbers are no repetition", []foundPassage{passage("the value x is 3", 1, 1, "1"), passage("the value x is 5", 1, 1, "2")}, "the value x is 3,the value x is 5"},
	} {
		if got := texts(choose(tt.in)); got != tt.want {
			t.Errorf("%s: %s", tt.name, got)
		}
	}
}

func TestWholeSentences(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"A whole one. And two.":                   "A whole one. And two.",
		"end of it. A whole one.":                 "A whole one.",
		"A whole one. Beginning of a":             "A whole one.",
		"rest of it. A whole one. Start of":       "A whole one.",
		"- item one\n- item":                      "- item one\n- item",
		"A whole one. And:\nlist":                 "A whole one. And:\nlist",
		"no sentence at all":                      "no sentence at all",
		"It says “yes.” Then the rest of a thing": "It says “yes.”",
	} {
		if from, to := wholeSentences(in); in[from:to] != want {
			t.Errorf("%q: %q", in, in[from:to])
		}
	}
}

func TestConfidence(t *testing.T) {
	t.Parallel()
	weak, strong := passage("a", 1, 0.3, "1"), passage("b", 1, 0.9, "1")
	named, shaped := strong, strong
	named.Named, shaped.Shaped = true, true
	other := passage("c", 1, 0.9, "2")
	for _, tt := range []struct {
		name        string
		less, more  []foundPassage
		exactlyLess float64
	}{
		{"something before nothing", nil, []foundPassage{weak}, noConfidence},
		{"coverage", []foundPassage{weak}, []foundPassage{strong}, confidenceCover * 0.3},
		{"name", []foundPassage{strong}, []foundPassage{named}, confidenceCover * 0.9},
		{"shape", []foundPassage{strong}, []foundPassage{shaped}, confidenceCover * 0.9},
		{"agreement", []foundPassage{strong}, []foundPassage{strong, other}, confidenceCover * 0.9},
	} {
		less, more := confidence(tt.less), confidence(tt.more)
		if less >= more || more > 1 || less != round(tt.exactlyLess) {
			t.Errorf("%s: %v, %v", tt.name, less, more)
		}
	}
}

func TestComposeSaysHowMuchWasRead(t *testing.T) {
	t.Parallel()
	if got := compose([]foundPassage{passage("Line one.\nLine two.", 1, 1, "1")}, 1); !strings.Contains(got, "the 1 page read") ||
		!strings.Contains(got, "> Line one.\n> Line two.\n\n[1] T") {
		t.Errorf("%s", got)
	}
	if got := compose(nil, 3); !strings.Contains(got, "3 pages") || !strings.Contains(got, "No language model was used") {
		t.Errorf("%s", got)
	}
}
