package wire

import (
	"cmp"
	"fmt"
	"regexp"

	"legwork/api"
	"legwork/internal/research"
)

// pageID matches the id of a snapshot: the SHA-256 of its text in hex.
var pageID = regexp.MustCompile(`^[0-9a-f]{64}$`)

// ParsePageID reads the id of a snapshot. For any other string it returns research.ErrNotFound.
func ParsePageID(raw string) (string, error) {
	if !pageID.MatchString(raw) {
		return "", fmt.Errorf("%w: no page has such an id", research.ErrNotFound)
	}
	return raw, nil
}

// PageVisits returns the visits of a task. It never returns nil.
func PageVisits(visits []research.PageVisit) []api.PageVisit {
	out := make([]api.PageVisit, len(visits))
	for i, r := range visits {
		out[i] = api.PageVisit{
			URL: r.URL, FinalURL: r.FinalURL, Title: cmp.Or(r.Title, host(r.FinalURL)), Outcome: string(r.Outcome), Message: optional(r.Message),
			Depth: r.Depth, Chars: r.Chars, Cited: r.Cited, FetchedAt: api.NewTime(r.FetchedAt),
		}
		if r.Status > 0 {
			out[i].Status = &r.Status
		}
		if r.Page != nil {
			out[i].PageID, out[i].Language = &r.Page.ID, optional(r.Page.Language)
		}
	}
	return out
}

// PageSnapshot returns a page as a task read it, with the answer's citations of this page.
func PageSnapshot(v research.Visit, citations []research.Evidence) api.PageSnapshot {
	return api.PageSnapshot{
		PageID: v.Page.ID, URL: v.URL, FinalURL: v.FinalURL, Title: cmp.Or(v.Title, host(v.FinalURL)), Language: optional(v.Page.Language),
		Text: v.Page.Text, Citations: Citations(citations), FetchedAt: api.NewTime(v.FetchedAt),
	}
}
