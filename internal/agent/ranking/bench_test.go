package ranking

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"legwork/internal/research"
)

// manual returns the passages of a page as long as a whole manual.
func manual(n int) ([]research.Hit, []research.Link) {
	vocabulary := strings.Fields(`the the the a a of of to to in is are and server connection timeout value default table index lock deadlock row
		transaction session memory is set when If unless parameter max_connections statement_timeout seconds minutes 60 8192 kB role
		query plan node file directory error level isolation read committed process worker the port number (integer) by default only must
		json.loads() --jobs archive replication slot standby primary checkpoint buffer shared_buffers vacuum wraparound because use using`)
	r := rand.New(rand.NewPCG(1, 2))
	var out []research.Hit
	var links []research.Link
	for i := range n {
		var b strings.Builder
		for b.Len() < 1000 {
			for k := range 8 + r.IntN(20) {
				if k > 0 {
					b.WriteByte(' ')
				}
				b.WriteString(vocabulary[r.IntN(len(vocabulary))])
			}
			b.WriteString([]string{". ", ".\n", ";\n\n"}[r.IntN(3)])
		}
		out = append(out, research.Hit{Passage: research.Passage{Ord: i, Heading: fmt.Sprintf("Manual › Chapter %d › Settings of connections", i/10)}, PageID: "p", Title: "Manual", Text: b.String()})
		if i%3 == 0 {
			links = append(links, research.Link{Text: fmt.Sprintf("Chapter %d", i), Context: b.String()})
		}
	}
	return out, links
}

// BenchmarkRankManual ranks the 5,000 passages of a page as long as a manual by questions that ask for different forms of answers.
func BenchmarkRankManual(b *testing.B) {
	hits, links := manual(5000)
	for _, question := range []string{
		"How long does the server wait for a deadlock by default?",
		"What is the default value of max_connections?",
		"Why are tables vacuumed?",
		"What does replication leave out?",
	} {
		b.Run(question, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				q := NewQuestion(question, "")
				Rank(hits, map[string]PageFacts{"p": NewPageFacts(q, links)}, nil)
			}
		})
	}
}
