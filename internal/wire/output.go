package wire

import (
	"cmp"
	"encoding/json"
	"net/url"
	"time"

	"legwork/api"
	"legwork/internal/research"
)

// Task returns a task as POST, GET and the list show it.
func Task(t research.Task) api.Task {
	out := api.Task{
		TaskID:      t.ID.String(),
		Status:      api.Status(t.Status),
		Question:    t.Question,
		SeedURL:     optional(t.Options.SeedURL),
		CreatedAt:   api.NewTime(t.CreatedAt),
		StartedAt:   moment(t.StartedAt),
		CompletedAt: moment(t.CompletedAt),
		Duration:    t.Duration,
		Answer:      t.Answer,
		Citations:   Citations(t.Citations),
		Screenshots: list(t.Screenshots),
		Confidence:  t.Confidence,
		Answered:    t.Answered,
		Error:       t.Error,
		ErrorCode:   t.ErrorCode,
		Metadata:    mapping(t.Metadata),
		Data:        raw(t.Data),

		DataBasis:      Basis(t.DataBasis),
		Contradictions: Contradictions(t.Contradictions),

		Options: options(t.Options),
		Usage: api.Usage{
			Pages: t.Usage.Pages, ToolCalls: t.Usage.ToolCalls, ModelCalls: t.Usage.ModelCalls,
			InputTokens: t.Usage.InputTokens, OutputTokens: t.Usage.OutputTokens,
			RunningSeconds: t.Usage.Running.Seconds(), CostUsd: t.Usage.CostUSD, CachedTokens: positive(t.Usage.CachedTokens),
		},
		LastSeq:  t.LastSeq,
		Priority: api.Priority(t.Priority), WaitingFor: waiting(t.WaitingFor),
	}
	if t.By != (research.Author{}) {
		by := api.Author{KeyID: optional(t.By.KeyID)}
		if t.By.UserID != nil {
			id := t.By.UserID.String()
			by.UserID = &id
		}
		out.CreatedBy = &by
	}
	if t.ChildOf != nil {
		id := t.ChildOf.String()
		out.ChildOf = &id
	}
	if t.ParentID != nil {
		id := t.ParentID.String()
		out.ParentTaskID = &id
	}
	return out
}

// HistoryEntry returns the short form of a task.
func HistoryEntry(t research.Task) api.HistoryEntry {
	return api.HistoryEntry{
		TaskID: t.ID.String(), Question: t.Question, Status: api.Status(t.Status), CreatedAt: api.NewTime(t.CreatedAt),
		CompletedAt: moment(t.CompletedAt), Duration: t.Duration, Confidence: t.Confidence,
	}
}

func options(o research.Options) api.Options {
	out := api.Options{
		MaxTokens: positive(o.MaxTokens), ConfirmPlan: o.ConfirmPlan,
		MaxDepth: o.MaxDepth, MaxPages: o.MaxPages, TimeBudget: int(o.TimeBudget / time.Second),
		SearchEngine: api.Engine(o.SearchEngine), MaxResults: o.MaxResults, SafeMode: o.SafeMode,
		SameDomainOnly: o.SameDomainOnly, AllowExternalLinks: o.AllowExternalLinks,
		AllowDomains: list(o.AllowDomains), DenyDomains: list(o.DenyDomains), Fresh: o.Fresh, Metadata: mapping(o.Metadata),
		Effort: api.Effort(cmp.Or(o.Effort, research.Standard)), Format: api.Format(cmp.Or(o.Format, research.FormatAnswer)), OutputSchema: raw(o.OutputSchema),
	}
	if o.Length > 0 {
		out.Length = &o.Length
	}
	return out
}

// raw returns a stored JSON object as it is, or nil, which JSON shows as null.
func raw(object []byte) *json.RawMessage {
	if len(object) == 0 {
		return nil
	}
	m := json.RawMessage(object)
	return &m
}

// Basis returns the basis of a task's data. It never returns nil.
func Basis(basis []research.Basis) []api.Basis {
	out := make([]api.Basis, len(basis))
	for i, b := range basis {
		out[i] = api.Basis{Path: b.Path, Citations: b.Citations}
	}
	return out
}

// Contradictions returns the contradictions that a task found. It never returns nil.
func Contradictions(found []research.Contradiction) []api.Contradiction {
	out := make([]api.Contradiction, len(found))
	for i, c := range found {
		out[i] = api.Contradiction{About: c.About, Citations: c.Citations}
		if c.Newest > 0 {
			out[i].Newest = &c.Newest
		}
	}
	return out
}

// Citations returns the citations of a task or of an agent:complete event. It never returns nil, which JSON would show as null.
func Citations(citations []research.Evidence) []api.Citation {
	out := make([]api.Citation, len(citations))
	for i, c := range citations {
		out[i] = citation(c)
	}
	return out
}

func citation(c research.Evidence) api.Citation {
	out := api.Citation{URL: c.URL, Title: c.Title, PageID: optional(c.PageID), Excerpt: optional(c.Excerpt)}
	if out.Title == "" {
		out.Title = host(c.URL)
	}
	if c.Marker > 0 {
		out.N = &c.Marker
	}
	if c.PageID != "" && c.End > c.Start {
		out.Start, out.End = &c.Start, &c.End
	}
	if c.Excerpt != "" {
		out.Verified = &c.Verified
	}
	if c.Support != "" {
		support := api.CitationSupport(c.Support)
		out.Support = &support
	}
	out.ScreenshotURL = optional(c.ScreenshotURL)
	if !c.AccessedAt.IsZero() {
		out.AccessedAt = moment(&c.AccessedAt)
	}
	out.PublishedAt, out.ModifiedAt = moment(c.PublishedAt), moment(c.ModifiedAt)
	if c.Kind != "" {
		kind := api.CitationKind(c.Kind)
		out.Kind = &kind
	}
	if c.Source > 0 {
		out.Source = &c.Source
	}
	return out
}

// host returns the host of a URL, or the whole string when it has none. It is used for pages without a title, because a
// title must not be empty.
func host(raw string) string {
	if u, err := url.Parse(raw); err == nil && u.Host != "" {
		return u.Host
	}
	return raw
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func positive(n int64) *int64 {
	if n <= 0 {
		return nil
	}
	return &n
}

func moment(t *time.Time) *api.Time {
	if t == nil {
		return nil
	}
	m := api.NewTime(*t)
	return &m
}

func list(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

func mapping(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}
