package pagetext

import (
	"cmp"
	"slices"
	"strings"

	"legwork/internal/agent/ranking"
	"legwork/internal/research"
)

// ShownLink is a link in the result of extract_links_from_page.
type ShownLink struct {
	URL     string `json:"url"`
	Text    string `json:"text"`
	Heading string `json:"heading,omitempty"` // the nearest heading above the link
	Depth   int    `json:"depth"`             // number of links from a start page to this page
}

// FittingLinks returns the links that have a text, each address once. Links whose text shares more words with the
// question come first.
func FittingLinks(q *ranking.Question, links []research.Link, depth int, contains string) []ShownLink {
	type scoredLink struct {
		ShownLink
		words int
	}
	var all []scoredLink
	seen := map[string]bool{}
	for _, l := range links {
		has := strings.Contains(strings.ToLower(l.Text+" "+l.URL), strings.ToLower(contains))
		if seen[l.URL] || strings.TrimSpace(l.Text) == "" || !has {
			continue
		}
		seen[l.URL] = true
		all = append(all, scoredLink{ShownLink{URL: l.URL, Text: l.Text, Heading: l.Heading, Depth: depth}, len(q.Words(q.MatchText(l.Text + " " + l.Heading)))})
	}
	slices.SortStableFunc(all, func(x, y scoredLink) int { return cmp.Compare(y.words, x.words) })
	out := make([]ShownLink, len(all))
	for i, l := range all {
		out[i] = l.ShownLink
	}
	return out
}
