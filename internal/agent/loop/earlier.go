package loop

import (
	"strings"

	"legwork/internal/agent"
	"legwork/internal/agent/addresses"
	"legwork/internal/page"
	"legwork/internal/research"
)

// inherit adds the evidence and pages of the parent task to the run. The evidence was verified when it was copied to
// this task, so it is not checked again. The model may quote the pages and open them again.
func (a *run) inherit() {
	for _, e := range a.Env.Inherited {
		a.AddQuote(agent.Quote{Text: e.Excerpt, Cited: agent.Cited{Evidence: e.Number, PageID: e.PageID, URL: e.URL, Title: e.Title, Start: e.Start, End: e.End}})
	}
	a.Pages = agent.InheritedPages(a.Env.Inherited)
	for _, o := range a.Pages {
		if u, err := page.ParseURL(o.URL); err == nil {
			a.known.Note(u, addresses.Origin{})
		}
	}
}

// earlierTask describes, for the prompts, the task that this one follows up.
type earlierTask struct {
	Questions []string
	Answer    string
}

// earlier returns the task that this one follows up, or nil if there is none. The parent's answer contains quotes of
// pages, so it is marked as untrusted.
func (a *run) earlier() *earlierTask {
	c := a.Env.Task.Context
	if c == nil {
		return nil
	}
	return &earlierTask{Questions: c.Questions, Answer: a.untrusted(research.Truncate(strings.TrimSpace(c.Answer), 4000))}
}
