package reader

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"legwork/internal/agent"
	"legwork/internal/agent/ranking"
	"legwork/internal/page"
	"legwork/internal/research"
	"legwork/internal/words"
)

// Bounds of reading. The strength of evidence is the share of the question's weight that one passage covers.
const (
	strongShare  = 0.80 // from this share on, the evidence is strong
	maxUnrelated = 12   // greatest number of pages opened although no link to them has a term of the question
	afterStrong  = 8    // greatest number of pages opened after the evidence became strong, if the question has a name
)

// Version names the version of the built-in reader. A task is pinned to it at its first run.
const Version = "reader/1"

// Provider is the provider to which tasks of the built-in reader are pinned.
const Provider = "reader"

// Pin names the provider and version to which a task of the reader is pinned.
func Pin() research.Pin { return research.Pin{Provider: Provider, Prompt: Version} }

// Read researches a task with the built-in reader. The error is a *research.Failure, research.ErrFenced, the context's error,
// or a database error.
func Read(ctx context.Context, env agent.Env) (research.Result, error) {
	r := newReader(agent.NewSession(env))
	if err := r.readPages(ctx); err != nil {
		return research.Result{}, err
	}
	res, err := r.answer(ctx)
	if err != nil {
		return research.Result{}, err
	}
	return res, r.PictureCited(ctx, res.Cited)
}

// ReadPages opens pages for a session that has none. If a budget kept it from opening a relevant page, it stores the
// name of the budget in the session. It fails if no page could be read.
func ReadPages(ctx context.Context, s *agent.Session) error {
	r := newReader(s)
	if err := r.readPages(ctx); err != nil {
		return err
	}
	if len(s.Pages) == 0 {
		return r.unreadable()
	}
	s.NoteBudget(r.budget())
	return nil
}

// CiteBest cites the passages on a session's pages that answer the question best.
func CiteBest(ctx context.Context, s *agent.Session, before ...research.Event) error {
	found, err := s.Find(ctx, s.Env.Task.Question, s.Pages, s.Budget, before...)
	if err != nil {
		return err
	}
	for _, p := range choose(found.Passages) {
		c, err := s.Cite(ctx, p)
		if err != nil {
			return err
		}
		s.AddQuote(agent.Quote{Cited: c, Text: p.Text})
	}
	return nil
}

// reader is one run of the built-in reader. Its decisions depend only on the task, the journal and the results of the tools.
type reader struct {
	*agent.Session
	q        *ranking.Question
	frontier *frontier
	snapshot map[string]bool // ids of the snapshots read; if a page has the same text as an earlier one, its links are not followed again
	strongAt int             // number of pages read when the evidence became strong; 0 means that it is not strong
	before   int             // number of pages that had failed before this reader started
	leftOut  string          // name of the budget that kept a relevant page from being opened
	tooDeep  float64         // best score among the links beyond MaxDepth
}

// newReader makes a reader for a session. The session may have pages already.
func newReader(b *agent.Session) *reader {
	q := b.Question(words.Detect(b.Env.Task.Question))
	return &reader{Session: b, q: q, frontier: newFrontier(q, b.Opts.MaxDepth, b.Opts.MaxPages), snapshot: map[string]bool{}, before: len(b.Failed)}
}

// readPages opens pages one after the other until the evidence is strong or no page may be opened any more.
func (r *reader) readPages(ctx context.Context) error {
	if err := r.start(ctx); err != nil {
		return err
	}
	for more := true; more; {
		var err error
		if more, err = r.step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// start opens the start page, or searches and adds the results to the frontier.
func (r *reader) start(ctx context.Context) error {
	if r.Opts.SeedURL != "" {
		if err := r.startAtSeed(ctx); err != nil {
			return err
		}
		r.offerInherited()
		return nil
	}
	found, err := r.Search(ctx, strings.ReplaceAll(agent.QuestionWithContext(r.Env.Task), "\n", " "), research.Thinking("Searching for pages that may answer the question.", nil))
	if err != nil {
		return err
	}
	r.Searched = &found
	for i, res := range found.Results {
		if i >= r.Opts.MaxResults {
			break
		}
		u, err := page.ParseURL(res.URL)
		if err != nil || r.Scope.Refuse(page.Address{URL: res.URL}) != "" {
			continue
		}
		// The score falls with each place in the engine's order by as much as with each link followed in a row.
		r.frontier.start(u.String(), page.Domain(u.Host), res.Title, res.Snippet, 1-depthCost*float64(i))
	}
	r.offerInherited()
	if len(r.frontier.order) == 0 {
		return &research.Failure{Code: research.CodeNoSources, Message: noStart(found)}
	}
	return nil
}

// noStart returns the message for the user if there is no page to start from.
func noStart(found agent.FoundPages) string {
	if found.Used == "" {
		return "There is no page to start from: no search engine could answer. Give a seedUrl, or configure a search engine."
	}
	if len(found.Results) > 0 {
		return "There is no page to start from: the task's domain rules exclude every search result. Change allowDomains and denyDomains, or give a seedUrl."
	}
	return fmt.Sprintf("There is no page to start from: the search (%s) found nothing for this question. "+
		"Give a seedUrl, configure a search engine, or let legwork read pages about it first.", found.Used)
}

// startAtSeed opens the start page. The task fails permanently if the start page may not be opened.
func (r *reader) startAtSeed(ctx context.Context) error {
	seed := r.Opts.SeedURL
	root := ""
	if u, err := page.ParseURL(seed); err == nil {
		root = page.Domain(u.Host)
		r.frontier.markOpened(u.String())
	}
	if r.timeUp(agent.ToolNavigate, seed) {
		return r.unreadable()
	}
	o, err := r.Navigate(ctx, page.Address{URL: seed, Root: root}, research.Thinking("Opening the start page "+seed+".", nil))
	if err != nil {
		return err
	}
	if o.Outcome == research.OutcomeNetwork {
		return &research.Failure{Code: research.CodeSeedRefused, Message: "The seed URL was refused. " + o.Message}
	}
	r.addPage(o, root)
	return nil
}

// addPage stores a page that was opened, and adds its links to the frontier.
func (r *reader) addPage(o agent.Opened, root string) {
	r.frontier.markOpened(o.URL)
	if o.Outcome != research.OutcomeOK {
		r.Failed = append(r.Failed, o)
		return
	}
	from, err := url.Parse(o.URL)
	if err != nil || r.snapshot[o.PageID] {
		return
	}
	r.snapshot[o.PageID] = true
	r.Pages = slices.DeleteFunc(r.Pages, func(p agent.Opened) bool { return p.Inherited && p.PageID == o.PageID })
	r.Pages = append(r.Pages, o)
	if r.strongAt == 0 && o.Best.Shaped && o.Best.Share >= strongShare {
		r.strongAt = len(r.Pages)
	}
	r.frontier.offer(source{title: o.Title, path: from.Path, depth: o.Depth, root: root, relevance: o.Best.Share}, r.allowed(o, from, root))
}

// allowed returns the links of a page that the domain rules permit. It does not check their depth, because a page may
// later be found closer to a start page. Method step checks the depth.
func (r *reader) allowed(o agent.Opened, from *url.URL, root string) []research.Link {
	own := page.Domain(from.Host)
	verdict := map[string]bool{} // whether a link may be followed, by host
	var out []research.Link
	for _, l := range o.Links {
		u, err := page.ParseURL(l.URL)
		if err != nil {
			continue
		}
		ok, known := verdict[u.Host]
		if !known {
			ok = r.Scope.Refuse(page.Address{URL: l.URL, From: own, Root: root}) == ""
			verdict[u.Host] = ok
		}
		if ok {
			l.URL = u.String()
			out = append(out, l)
		}
	}
	return out
}

// step opens the best page of the frontier, and reports whether reading continues.
func (r *reader) step(ctx context.Context) (bool, error) {
	allowUnrelated := r.strongAt == 0 && r.frontier.unrelated < maxUnrelated
	c, refused := r.frontier.next(allowUnrelated, func(c *candidate) bool { return !r.Scope.TooDeep(c.depth) })
	r.tooDeep = max(r.tooDeep, refused)
	if c == nil || r.enough(c) {
		return false, nil
	}
	if !r.Recorded(agent.ToolNavigate, map[string]any{"url": c.url}) {
		switch {
		case r.Loads >= r.Opts.MaxPages:
			r.leaveOut("maxPages", c)
			return false, nil
		case r.timeUp(agent.ToolNavigate, c.url):
			r.leaveOut("timeBudget", c)
			return false, nil
		case r.Recorded(agent.ToolFind, map[string]any{"query": r.Env.Task.Question}): // an earlier run already finished reading
			return false, nil
		}
	}
	o, err := r.Navigate(ctx, page.Address{URL: c.url, Depth: c.depth, Root: c.root}, research.Thinking(fmt.Sprintf("Following %s: %s.", c.label(), c.why),
		map[string]any{"url": c.url, "score": ranking.Round(c.score), "depth": c.depth}))
	if err != nil {
		return false, err
	}
	if o.TimeUp {
		r.leaveOut("timeBudget", c)
	}
	r.addPage(o, c.root)
	return true, nil
}

// enough reports whether reading ends before the page c is opened. It ends only if the evidence is strong. Then it ends
// if the score of c is below unlikelyLink. If the question has a name, it also ends if the score is below relevantLink
// or after afterStrong further pages. Without a name, a passage may contain all words of the question by chance, so
// reading continues longer.
func (r *reader) enough(c *candidate) bool {
	if r.strongAt == 0 {
		return false
	}
	return c.score < unlikelyLink || r.q.Named() && (c.score < relevantLink || len(r.Pages)+len(r.Failed)-r.before >= r.strongAt+afterStrong)
}

// leaveOut records that a budget ended the reading before the page c was opened, if c looked relevant and the evidence
// was not strong.
func (r *reader) leaveOut(budget string, c *candidate) {
	if c.score >= relevantLink && r.strongAt == 0 {
		r.leftOut = budget
	}
}

// timeUp reports whether the reading time is over for a call that is not in the journal.
func (r *reader) timeUp(tool, url string) bool {
	return r.Env.ReadingTime() <= 0 && !r.Recorded(tool, map[string]any{"url": url})
}

// budget returns the name of the budget that kept the reader from opening a relevant page before it had strong
// evidence: "maxPages", "timeBudget" or "maxDepth". It returns "" if no budget did so.
func (r *reader) budget() string {
	if r.leftOut == "" && r.strongAt == 0 && r.tooDeep >= relevantLink {
		return "maxDepth"
	}
	return r.leftOut
}

// unreadable returns the failure of a task for which no page could be read.
func (r *reader) unreadable() error {
	f := &research.Failure{Code: research.CodeNoSources}
	if len(r.Failed) == 0 {
		f.Message = "The time budget was used up before a page could be read. Give the task a larger timeBudget."
		return f
	}
	var first string
	for _, o := range r.Failed {
		if first == "" {
			first = o.Message
		}
		f.Transient = f.Transient || o.Outcome.Transient() && !o.TimeUp
		f.Cause = errors.Join(f.Cause, fmt.Errorf("%s: %s", o.URL, o.Outcome))
	}
	f.Message = "No page could be read."
	if first != "" {
		f.Message += " " + first
	}
	f.Message += " Check the seedUrl, or give another one."
	return f
}

// offerInherited adds the pages of the parent's evidence as start pages, and lets their stored passages be ranked.
func (r *reader) offerInherited() {
	r.Pages = append(agent.InheritedPages(r.Env.Inherited), r.Pages...)
	for _, o := range agent.InheritedPages(r.Env.Inherited) {
		u, err := page.ParseURL(o.URL)
		if err != nil || r.Scope.Refuse(page.Address{URL: o.URL}) != "" {
			continue
		}
		r.frontier.start(u.String(), page.Domain(u.Host), o.Title, "", 1)
	}
}
