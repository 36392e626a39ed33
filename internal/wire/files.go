package wire

import (
	"bytes"
	"encoding/json"
	"fmt"

	"legwork/api"
	"legwork/internal/research"
)

// TaskJSON returns the content of result.json: the task as the API shows it.
func TaskJSON(t research.Task) ([]byte, error) { return document(Task(t)) }

// sources is the content of sources.json.
type sources struct {
	TaskID    string         `json:"taskId"`
	Citations []api.Citation `json:"citations"`
	Visits    []visit        `json:"visits"`
}

// visit is a visit in sources.json, whether the page could be read or not. Fields without a value are left out.
type visit struct {
	URL        string   `json:"url"`
	FinalURL   string   `json:"finalUrl,omitempty"`
	Outcome    string   `json:"outcome"`
	Message    string   `json:"message,omitempty"`
	Status     int      `json:"status,omitempty"`
	Title      string   `json:"title,omitempty"`
	PageID     string   `json:"pageId,omitempty"`
	Depth      int      `json:"depth"`
	Bytes      int64    `json:"bytes"`
	DurationMs int64    `json:"durationMs"`
	FetchedAt  api.Time `json:"fetchedAt"`

	Cached       bool      `json:"cached,omitempty"` // taken from the snapshot of an earlier visit
	Language     string    `json:"language,omitempty"`
	CanonicalURL string    `json:"canonicalUrl,omitempty"`
	PublishedAt  *api.Time `json:"publishedAt,omitempty"`
	ModifiedAt   *api.Time `json:"modifiedAt,omitempty"`
	Kind         string    `json:"kind,omitempty"` // of the source, as in a citation
}

// SourcesJSON returns the content of sources.json: the citations of the answer, and every visit of the task.
func SourcesJSON(t research.Task, visits []research.Visit) ([]byte, error) {
	out := sources{TaskID: t.ID.String(), Citations: Citations(t.Citations), Visits: make([]visit, len(visits))}
	for i, v := range visits {
		out.Visits[i] = visit{
			URL: v.URL, FinalURL: v.FinalURL, Outcome: string(v.Outcome), Message: v.Message, Status: v.Status, Title: v.Title,
			Depth: v.Depth, Bytes: v.Bytes, DurationMs: v.Duration.Milliseconds(), FetchedAt: api.NewTime(v.FetchedAt), Cached: v.Cached,
		}
		if v.Page != nil {
			w := &out.Visits[i]
			w.PageID, w.Language, w.CanonicalURL = v.Page.ID, v.Page.Language, v.Page.Canonical
			w.PublishedAt, w.ModifiedAt, w.Kind = moment(v.Page.PublishedAt), moment(v.Page.ModifiedAt), string(v.Page.Kind)
		}
	}
	return document(out)
}

// document encodes a JSON file that people can read: indented, and without escapes for <, > and &.
func document(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encode %T: %w", v, err)
	}
	return b.Bytes(), nil
}
