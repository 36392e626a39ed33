package loop

import (
	"strings"

	"legwork/internal/agent"
	"legwork/internal/page"
	"legwork/internal/research"
)

// inherit gives the model the parent task's evidence and pages. The evidence was copied to this task as verified, so it needs no
// new check. The pages may be quoted and opened again.
func (a *run) inherit() {
	for _, e := range a.Env.Inherited {
		a.AddQuote(agent.Quote{Text: e.Excerpt, Cited: agent.Cited{Evidence: e.Number, PageID: e.PageID, URL: e.URL, Title: e.Title, Start: e.Start, End: e.End}})
	}
	a.Pages = agent.InheritedPages(a.Env.Inherited)
	for _, o := range a.Pages {
		if u, err := page.ParseURL(o.URL); err == nil {
			a.noteOrigin(u.String(), origin{})
		}
	}
}

// earlierTask describes, for the prompts, the task that this one follows up.
type earlierTask struct {
	Questions []string
	Answer    string
}

// earlier returns nil if the task is no follow-up. The parent's answer contains quotes of pages, so it is marked as untrusted.
func (a *run) earlier() *earlierTask {
	c := a.Env.Task.Context
	if c == nil {
		return nil
	}
	return &earlierTask{Questions: c.Questions, Answer: a.untrusted(research.Truncate(strings.TrimSpace(c.Answer), 4000))}
}
