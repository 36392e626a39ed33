package agent

import (
	"slices"
	"strings"

	"legwork/internal/page"
	"legwork/internal/research"
)

// questionWithContext is what passages and links are matched with: the question and, for a follow-up that names nothing
// itself ("What is its default?"), the earlier questions, of which the latest that does names what it is about.
func questionWithContext(t research.Task) string {
	if t.Context == nil || newQuestion(t.Question, "", nil).named() {
		return t.Question
	}
	text := t.Question
	for _, q := range slices.Backward(t.Context.Questions) {
		text += "\n" + q
		if newQuestion(q, "", nil).named() {
			break
		}
	}
	return text
}

// inheritedPages are the pages of the parent's evidence, each once. Nothing was loaded for them, and their links are not
// known.
func inheritedPages(evidence []research.Inherited) []opened {
	var out []opened
	for _, e := range evidence {
		if slices.ContainsFunc(out, func(o opened) bool { return o.PageID == e.PageID && o.URL == e.URL }) {
			continue
		}
		out = append(out, opened{Outcome: research.OutcomeOK, URL: e.URL, VisitID: e.VisitID, PageID: e.PageID, Title: e.Title,
			Language: e.Language, Chars: e.Chars, Passages: e.Passages, inherited: true})
	}
	return out
}

// pagesRead is how many of the pages this task itself read.
func pagesRead(pages []opened) int {
	n := 0
	for _, o := range pages {
		if !o.inherited {
			n++
		}
	}
	return n
}

// inherit gives the model what the parent found: its evidence is verified, being the child's own rows, and its pages may be
// quoted and opened again.
func (a *asker) inherit() {
	for _, e := range a.env.Inherited {
		a.prove(proof{text: e.Excerpt, cited: cited{Evidence: e.Number, PageID: e.PageID, URL: e.URL, Title: e.Title, Start: e.Start, End: e.End}})
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

// offerInherited lets the reader open the pages of the parent's evidence again, as start pages, and rank what they said.
func (r *reader) offerInherited() {
	r.pages = append(inheritedPages(r.env.Inherited), r.pages...)
	for _, o := range inheritedPages(r.env.Inherited) {
		u, err := page.ParseURL(o.URL)
		if err != nil || r.scope.Refuse(page.Address{URL: o.URL}) != "" {
			continue
		}
		r.frontier.start(u.String(), page.Domain(u.Host), o.Title, "", 1)
	}
}
