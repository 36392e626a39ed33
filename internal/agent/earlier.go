package agent

import (
	"strings"

	"legwork/internal/page"
	"legwork/internal/research"
)

// inherit gives the model what the parent found: its evidence is verified, being the child's own rows, and its pages may be
// quoted and opened again.
func (a *asker) inherit() {
	for _, e := range a.env.Inherited {
		a.addQuote(proof{text: e.Excerpt, cited: cited{Evidence: e.Number, PageID: e.PageID, URL: e.URL, Title: e.Title, Start: e.Start, End: e.End}})
	}
	a.pages = inheritedPages(a.env.Inherited)
	for _, o := range a.pages {
		if u, err := page.ParseURL(o.URL); err == nil {
			a.know(u.String(), origin{})
		}
	}
}

// earlierTask is what the prompts tell of the task that this one follows up.
type earlierTask struct {
	Questions []string
	Answer    string
}

// earlier gives nil for a task that is no follow-up. The answer stands on quotes of pages, so it is marked like them.
func (a *asker) earlier() *earlierTask {
	c := a.env.Task.Context
	if c == nil {
		return nil
	}
	return &earlierTask{Questions: c.Questions, Answer: a.untrusted(research.Truncate(strings.TrimSpace(c.Answer), 4000))}
}
