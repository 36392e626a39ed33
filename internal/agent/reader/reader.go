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
)

// Strength of evidence, as a share of the question's weight that one passage covers.
const (
	strongShare  = 0.80 // from here on the answer is likely found
	weakShare    = 0.50 // up to here a page does not count as agreeing with the answer
	maxUnrelated = 12   // pages opened for want of better ones, although no link to them shares a word with the question
	afterStrong  = 8    // pages still read after strong evidence, if their links look as good
)

// Version names the planner of the built-in reader. It is pinned in a task at its first run.
const Version = "reader/1"

// Provider is the provider that tasks of the built-in reader are pinned to.
const Provider = "reader"

// Pin is what a task of the reader is pinned to.
func Pin() research.Pin { return research.Pin{Provider: Provider, Prompt: Version} }

// Read is the built-in reader: a deterministic planner over the tools. Its error is a *research.Failure,
// research.ErrFenced, the context's error, or that of a database that cannot answer.
func Read(ctx context.Context, env agent.Env) (research.Result, error) {
	r, err := newReader(ctx, agent.NewSession(env))
	if err != nil {
		return research.Result{}, err
	}
	if err := r.readPages(ctx); err != nil {
		return research.Result{}, err
	}
	res, err := r.answer(ctx)
	if err != nil {
		return research.Result{}, err
	}
	return res, r.PictureCited(ctx, res.Cited)
}

// ReadPages opens pages on a session that has none, and notes the budget that left something out. A session of which no
// page could be read fails the task.
func ReadPages(ctx context.Context, s *agent.Session) error {
	r, err := newReader(ctx, s)
	if err != nil {
		return err
	}
	if err := r.readPages(ctx); err != nil {
		return err
	}
	if len(s.Pages) == 0 {
		return r.unreadable()
	}
	s.NoteBudget(r.budget())
	return nil
}

// CiteBest makes the passages that answer the question best, on the pages of a session, its evidence.
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

// reader is one run of the planner. All it decides follows from the task, the journal and what the tools give.
type reader struct {
	*agent.Session
	q        *ranking.Question
	frontier *frontier
	snapshot map[string]bool // pages by content, so that copies are not followed twice
	strongAt int             // pages read when the evidence became strong; 0: it is not
	before   int             // pages that had failed before the planner began
	leftOut  string          // budget that left out a link that looked relevant
	tooDeep  float64         // best score among links beyond MaxDepth
}

// newReader plans on a session, which may have been worked on before.
func newReader(ctx context.Context, b *agent.Session) (*reader, error) {
	q, err := b.Question(ctx, "")
	if err != nil {
		return nil, err
	}
	return &reader{Session: b, q: q, frontier: newFrontier(q, b.Opts.MaxDepth, b.Opts.MaxPages), snapshot: map[string]bool{}, before: len(b.Failed)}, nil
}

// readPages opens one page after the other until the planner has enough.
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

// start opens the seed, or queues what a search gives.
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
		// The engine's order counts: each place behind the first costs as much as a link followed.
		r.frontier.start(u.String(), page.Domain(u.Host), res.Title, res.Snippet, 1-depthCost*float64(i))
	}
	r.offerInherited()
	if len(r.frontier.order) == 0 {
		return &research.Failure{Code: research.CodeNoSources, Message: noStart(found)}
	}
	return nil
}

// noStart says why there is nothing to begin with, and what to do.
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

// startAtSeed opens the seed URL. A seed that may not be opened ends the task for good.
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

// addPage keeps a page that was opened, and adds its links to the frontier.
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

// allowed drops the links that the scope excludes, whatever their depth: that is judged when one is chosen, since a page
// may be found again nearer to a start page.
func (r *reader) allowed(o agent.Opened, from *url.URL, root string) []research.Link {
	own := page.Domain(from.Host)
	verdict := map[string]bool{} // by host
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

// step opens the best page that is left, and reports whether to go on.
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
		case r.Recorded(agent.ToolFind, map[string]any{"query": r.Env.Task.Question}): // an earlier run was done with reading
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

// enough reports whether reading may end although a page is left: the evidence is strong, and either the page promises
// little or some more were read to compare. Without a name in the question its words may be common ones that stand
// together in many places, so then only a page that promises next to nothing is left out.
func (r *reader) enough(c *candidate) bool {
	if r.strongAt == 0 {
		return false
	}
	return c.score < unlikelyLink || r.q.Named() && (c.score < relevantLink || len(r.Pages)+len(r.Failed)-r.before >= r.strongAt+afterStrong)
}

// leaveOut notes that a budget ended the reading before a page was opened that looked relevant.
func (r *reader) leaveOut(budget string, c *candidate) {
	if c.score >= relevantLink && r.strongAt == 0 {
		r.leftOut = budget
	}
}

// timeUp reports whether no time is left for a call that the journal does not answer.
func (r *reader) timeUp(tool, url string) bool {
	return r.Env.ReadingTime() <= 0 && !r.Recorded(tool, map[string]any{"url": url})
}

// budget names the budget that left out something that looked relevant while the evidence was not strong; empty: none.
func (r *reader) budget() string {
	if r.leftOut == "" && r.strongAt == 0 && r.tooDeep >= relevantLink {
		return "maxDepth"
	}
	return r.leftOut
}

// unreadable is the failure of a task of which no page could be read.
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

// offerInherited lets the reader open the pages of the parent's evidence again, as start pages, and rank what they said.
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
