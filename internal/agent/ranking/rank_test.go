package ranking

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"legwork/internal/page"
	"legwork/internal/research"
)

// passages reads HTML as pages are read. It returns the passages in the form in which full-text search returns them, and
// the links. So these tests also cover the passages that package page produces.
func passages(t *testing.T, html string) ([]research.Hit, []research.Link) {
	t.Helper()
	p, links, err := page.Read(&url.URL{Scheme: "https", Host: "manual.example"}, http.Header{"Content-Type": {"text/html; charset=utf-8"}}, []byte(html))
	if err != nil {
		t.Fatalf("%s: %v", html, err)
	}
	text := []rune(p.Text)
	var out []research.Hit
	for _, k := range p.Passages {
		out = append(out, research.Hit{Passage: k, PageID: "p", Title: "Manual", Text: string(text[k.Start:k.End])})
	}
	return out, links
}

// passage reads HTML that has a single passage, and sets the number of the passage in its page.
func passage(t *testing.T, ord int, html string) (research.Hit, []research.Link) {
	t.Helper()
	hits, links := passages(t, html)
	if len(hits) != 1 {
		t.Fatalf("%s: %d passages: %+v", html, len(hits), hits)
	}
	hits[0].Ord = ord
	return hits[0], links
}

// TestPassageSignals: in each case the first of two passages scores higher. The name of the case is the reason.
func TestPassageSignals(t *testing.T) {
	t.Parallel()
	const filler = " It is described together with its relatives in this section."
	for _, tt := range []struct{ signal, question, better, worse string }{
		{"coverage", "What is the timeout for a deadlock?", "<p>The timeout of a deadlock." + filler, "<p>The timeout of a session." + filler},
		{"own words before heading", "What is a deadlock?", "<p>A deadlock is one." + filler, "<h2>Deadlock</h2><p>This is one." + filler},
		{"heading", "What is a deadlock?", "<h2>Deadlock</h2><p>This is a wait." + filler, "<h2>Session</h2><p>This is a wait." + filler},
		{
			"entry about just this", "What is the similarity threshold?",
			"<dl><dt><code>similarity_threshold</code> (real)<dd><p>Sets the similarity threshold.</dl>",
			"<dl><dt><code>strict_word_similarity_threshold</code> (real)<dd><p>Sets the similarity threshold.</dl>",
		},
		{
			"entry of several names", "What is the port?",
			"<dl><dt>--port<dt>-p number of whatever kind<dd>The port of the server, which is set here.</dl>",
			"<dl><dt>--port of whatever number<dt>-p kind<dd>The port of the server, which is set here.</dl>",
		},
		{"near each other", "What is the read committed level?", "<p>Read committed is a level." + filler, "<p>Read this. Some other text stands between here and the words committed. Level." + filler},
		{
			"one sentence", "How do tables avoid wraparound by vacuum?", "<p>Tables avoid it by vacuum so there is no wraparound. Other text stands here. More of it.",
			"<p>Tables are big and old. Much can be done to avoid loss. Then there is vacuum as such. And wraparound.",
		},
		{
			"one item", "How do tables avoid wraparound by vacuum?", "<ol><li>Tables avoid wraparound by vacuum<li>Other text stands here<li>More of it stands here, and at such length that it is a sentence.</ol>",
			"<ol><li>Tables<li>avoid wraparound<li>by vacuum<li>More of it stands here, and at such length that it is a sentence. Other text stands here</ol>",
		},
		{
			"one row", "How do tables avoid wraparound by vacuum?", "<table><tr><td>1<td>2<tr><td>Tables avoid<td>wraparound by vacuum<tr><td>Other text<td>stands here</table>",
			"<table><tr><td>1<td>2<tr><td>Tables avoid<td>other text<tr><td>wraparound by vacuum<td>stands here</table>",
		},
		{
			"row below the heads of columns", "What is the range of an integer?", "<table><tr><th>Type<th>Range<tr><td>integer<td>-9 to +9<tr><td>number<td>-99 to +99</table>",
			"<table><tr><th>Type<th>Remark<tr><td>integer<td>-9 to +9<tr><td>range<td>-99 to +99</table>",
		},
		{"shape", "What is the default of foo?", "<p>Of <code>foo</code> the default is <code>7</code>." + filler, "<p>Of <code>foo</code> no defaults exist." + filler},
		{"phrase", `What does "too many open files" mean?`, "<p>Error: too many open files." + filler, "<p>Open the files, not too many." + filler},
		{"sentences before lists", "What are indexes on tables?", "<p>Indexes on tables are structures of their own.", "<ul><li>indexes on tables<li>structures<li>of their own</ul>"},
		{"no fragments", "What are indexes?", "<p>Indexes are structures of their own, kept beside tables.", "<p>Indexes are such."},
		{
			"no mere links", "What are indexes?", "<p>Indexes are structures of their own, kept beside tables",
			"<ol type=a><li><a href=/x>Chapter</a> on Indexes of many kinds, and Tables</ol>",
		},
	} {
		q := NewQuestion(tt.question, "")
		better, links := passage(t, 0, tt.better)
		worse, more := passage(t, 9, tt.worse)
		facts := map[string]PageFacts{"p": NewPageFacts(q, append(links, more...))}
		for _, hits := range [][]research.Hit{{better, worse}, {worse, better}} {
			ranked := Rank(hits, facts, nil)
			if ranked[0].Hit.Text != better.Text || ranked[0].Score <= ranked[1].Score {
				t.Errorf("%s: %.3f %q before %.3f %q", tt.signal, ranked[0].Score, ranked[0].Hit.Text, ranked[1].Score, ranked[1].Hit.Text)
			}
		}
	}
}

// TestEntriesBelongTogether: a later passage of a definition need not repeat the words of its beginning.
func TestEntriesBelongTogether(t *testing.T) {
	t.Parallel()
	q := NewQuestion("How long does the server wait before it checks for a deadlock?", "")
	const rest = "<p>Increasing this value makes checks rarer. The default is one second (1s). That is probably about the smallest value that anybody wants in practice."
	hits, _ := passages(t, "<h1>Locks</h1><dl><dt><code>deadlock_timeout</code> (<code>integer</code>)<dd><p>This is the time that the server waits before it checks. "+
		strings.Repeat("Checks are slow, and so not run each time. ", 5)+rest+
		"<dt><code>other_timeout</code> (<code>integer</code>)<dd><p>Sets another time. "+strings.Repeat("Some settings do more than others do. ", 7)+rest+"</dl>")
	if len(hits) != 4 {
		t.Fatalf("%+v", hits)
	}
	for _, form := range []string{"as it is read", "as versions before read it"} {
		ranked := Rank(hits, map[string]PageFacts{"p": NewPageFacts(q, nil)}, map[*Question]int{q: 40})
		place := map[int]int{}
		for i, s := range ranked {
			place[s.Hit.Ord] = i
		}
		if place[1] > place[3] || ranked[place[0]].Key != ranked[place[1]].Key || ranked[place[0]].Key == ranked[place[2]].Key {
			t.Errorf("%s: %+v", form, ranked)
		}
		for i := range hits { // in old snapshots, the term was a bold line in the text and not in the heading path
			if term, more, found := strings.Cut(hits[i].Text, "\n"); found && strings.HasSuffix(term, "(integer)") {
				hits[i].Heading, hits[i].Text = "Locks", "**"+term+"**\n"+more
			}
		}
	}
}

// TestRowsBelongToTheirSection: the heading path of table rows has the heads of the columns, but the entry of the rows is their
// section. The number of a section is not a word of its heading.
func TestRowsBelongToTheirSection(t *testing.T) {
	t.Parallel()
	hits, _ := passages(t, "<h1>Limits</h1><h2>2.1. Locks</h2><p>Each lock has a limit.<table><caption>All of them</caption><tr><th>Name<th>Meaning of the limit"+
		strings.Repeat("<tr><td>lock_limit<td>The number of locks that one transaction may hold, at most.", 12)+"</table>")
	q := NewQuestion("What are the locks?", "")
	ranked := Rank(hits, map[string]PageFacts{"p": NewPageFacts(q, nil)}, nil)
	columns := 0
	for _, s := range ranked {
		if path, heads := CutColumns(s.Hit.Heading, s.Hit.Text); heads != "" {
			columns++
			if path != "Limits › 2.1. Locks" || heads != "All of them: Name | Meaning of the limit" {
				t.Errorf("%q, %q", path, heads)
			}
		}
		if s.Key != ranked[0].Key || s.label != 1 {
			t.Errorf("%q, label %.2f: %+v", s.Key, s.label, s.Hit)
		}
	}
	if columns < 2 || columns == len(hits) {
		t.Errorf("%d of %d passages have columns above", columns, len(hits))
	}
}

// TestRowsAreReadUnderTheirHeads: a row covers "the range of an integer" if the heads of its columns have the missing words.
func TestRowsAreReadUnderTheirHeads(t *testing.T) {
	t.Parallel()
	const rows = "<tr><td>integer<td>from -2147483648 to +2147483647<tr><td>other<td>none"
	hits, _ := passages(t, "<table><tr><th>Type<th>Range"+strings.Repeat(rows, 9)+"</table>")
	q := NewQuestion("What is the range of an integer?", "")
	ranked := Rank(hits, map[string]PageFacts{"p": NewPageFacts(q, nil)}, nil)
	for _, s := range ranked {
		if s.focused != 1 {
			t.Errorf("%.2f of the question in the best row of %q, %q", s.focused, s.Hit.Heading, s.Hit.Text)
		}
	}
	if len(ranked) < 2 {
		t.Errorf("%d passages", len(ranked))
	}
}

func TestRankLeavesOutUnknownPages(t *testing.T) {
	t.Parallel()
	if got := Rank([]research.Hit{{PageID: "p", Title: "Manual", Text: "text"}}, nil, nil); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}
