package ranking

import (
	"testing"

	"legwork/internal/research"
)

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
		q := NewQuestion(tt.question, "", nil)
		facts := map[string]PageFacts{"p": NewPageFacts(q, []research.Link{{Text: "Chapter", Context: "Indexes of many kinds, Chapter on Indexes and Tables"}})}
		for _, hits := range [][]research.Hit{{tt.better, tt.worse}, {tt.worse, tt.better}} {
			ranked := Rank(hits, facts, nil)
			if ranked[0].Hit.Text != tt.better.Text || ranked[0].Score <= ranked[1].Score {
				t.Errorf("%s: %.3f %q before %.3f %q", tt.signal, ranked[0].Score, ranked[0].Hit.Text, ranked[1].Score, ranked[1].Hit.Text)
			}
		}
	}
}

// TestEntriesBelongTogether: what the rest of a definition leaves unsaid, its beginning says.
func TestEntriesBelongTogether(t *testing.T) {
	t.Parallel()
	q := NewQuestion("How long does the server wait before it checks for a deadlock?", "", nil)
	rest := "Increasing this value makes checks rarer. The default is one second (1s)."
	ranked := Rank([]research.Hit{
		hit(0, "Locks", "**deadlock_timeout (integer)**\n\nThis is the time that the server waits before it checks."),
		hit(1, "Locks › deadlock_timeout (integer)", rest),
		hit(5, "Locks › other_timeout (integer)", rest+" "),
	}, map[string]PageFacts{"p": NewPageFacts(q, nil)}, map[*Question]int{q: 40})
	if ranked[2].Hit.Ord != 5 || ranked[0].Key != ranked[1].Key {
		t.Errorf("%+v", ranked)
	}
}

func TestRankLeavesOutUnknownPages(t *testing.T) {
	t.Parallel()
	if got := Rank([]research.Hit{hit(0, "", "text")}, nil, nil); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}
