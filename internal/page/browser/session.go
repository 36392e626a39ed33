package browser

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/cdp"

	"legwork/internal/goroutine"
	"legwork/internal/page"
	"legwork/internal/research"
	"legwork/internal/weburl"
)

// Limits for the documents that a session stores for its screenshots.
const (
	maxKept      = 8
	maxKeptBytes = 32 << 20
)

// maxScriptRedirects is how many redirects by scripts one load follows.
const maxScriptRedirects = 2

// session reads the web for one run.
type session struct {
	browser *Browser
	scope   page.Scope
	ctx     context.Context // ends at Close
	cancel  context.CancelFunc
	tabs    goroutine.Group

	mu     sync.Mutex
	on     *instance // the Chromium in which the session's BrowserContext is; nil means that there is none yet
	id     cdp.BrowserContextID
	kept   []kept // newest last
	closed bool
}

// kept is a loaded document that the session stores for screenshots.
type kept struct {
	urls  []string // the document's addresses, as requested and after redirects
	doc   *page.Document
	visit research.Visit
}

// Load implements page.Session. If the scripts of a page with little text navigate to another address, Load loads that address. If that
// address cannot be read, the first page is the result.
func (s *session) Load(ctx context.Context, at page.Address) (research.Visit, error) {
	rawURL, raw, policy := at.URL, at.URL, s.scope.Policy(at)
	var before *research.Visit
	for redirects := 0; ; redirects++ {
		v, doc, err := s.browser.cfg.Fetcher.LoadDocument(ctx, raw, policy)
		if err != nil {
			return v, err
		}
		v.URL = weburl.Redact(rawURL)
		next := ""
		if doc != nil {
			s.keep(v, doc, rawURL, raw)
			switch {
			case !doc.Dynamic():
			case len(doc.Body) > s.browser.cfg.MaxDocument:
				v.Note = strings.TrimSpace(v.Note + " The page is too large for the browser, so it was read as the server sent it, without its scripts.")
			default:
				v, next = s.render(ctx, v, doc, fragment(raw))
			}
		}
		switch {
		case ctx.Err() != nil:
			return research.Visit{}, fmt.Errorf("load %s: %w", rawURL, ctx.Err())
		case v.Outcome != research.OutcomeOK && before != nil:
			return *before, nil
		case next == "" || redirects == maxScriptRedirects:
			return v, nil
		}
		if v.Outcome == research.OutcomeOK {
			before = &v
		}
		raw = next
	}
}

// render reads a page again after its scripts have run. If the page has no content of its own and its scripts navigate to another address,
// next is that address.
func (s *session) render(ctx context.Context, v research.Visit, doc *page.Document, fragment string) (shown research.Visit, next string) {
	var got reading
	err := s.show(ctx, doc, fragment, false, func(ctx context.Context, t *tab) error {
		more, err := t.scroll(ctx)
		if err != nil {
			return err
		}
		got, err = t.read(ctx, s.browser.cfg.MaxHTML)
		got.More = more
		return err
	})
	if err != nil {
		v.Note = noteOf(err)
		s.browser.log.DebugContext(ctx, "page not shown", "url", v.FinalURL, "error", err)
		return v, ""
	}
	shown = doc.Rendered(ctx, v, []byte(got.HTML))
	if got.More && shown.Rendered && shown.Note == "" {
		shown.Note = "The page loads more as it is scrolled; what it had loaded when the time was over was read."
	}
	if shown.Page == nil || len(shown.Page.Text) < maxRedirectText {
		next = got.next
	}
	return shown, next
}

// maxRedirectText is a length of text in bytes. Navigation by a script is treated as a redirect only if the page's text is not longer.
const maxRedirectText = 500

// noteOf returns the note of the visit, which says why the text that the server sent was used.
func noteOf(err error) string {
	switch {
	case errors.Is(err, errNotSettled):
		return "The page was still busy in the browser when its time was over, so it was read as the server sent it, without its scripts."
	case errors.Is(err, errUnavailable):
		return "The browser is not available, so the page was read as the server sent it, without its scripts."
	}
	return "The page could not be shown in the browser, so it was read as the server sent it, without its scripts."
}

// show opens doc in a tab and calls use when the page has settled. If the tab is lost, show tries once more with a new tab.
func (s *session) show(ctx context.Context, doc *page.Document, fragment string, pictures bool, use func(context.Context, *tab) error) error {
	for attempt := 1; ; attempt++ {
		err := s.try(ctx, &load{ctx: ctx, doc: doc, url: address(doc.URL, fragment), pictures: pictures}, attempt > 1, use)
		if err == nil || attempt == 2 || ctx.Err() != nil || !errors.Is(err, errLost) {
			return err
		}
		s.browser.log.DebugContext(ctx, "tab lost, trying once more", "url", doc.URL.String(), "error", err)
	}
}

// try shows the document of l in a tab and calls use. If fresh is true, it opens a new tab.
func (s *session) try(ctx context.Context, l *load, fresh bool, use func(context.Context, *tab) error) (err error) {
	i, release, err := s.browser.acquire(ctx)
	if err != nil {
		return err
	}
	id, err := s.contextOn(ctx, i)
	if err != nil {
		release()
		return err
	}
	began := time.Now()
	limit := min(s.browser.cfg.RenderTime, max(l.doc.Left, s.browser.cfg.RenderTime/4))
	rest := limit * settleShare / 100
	if l.pictures {
		limit += pictureTime
	}
	t, err := s.tab(ctx, i, id, l, fresh, release)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			t.close()
		} else {
			t.park()
		}
	}()
	opened := time.Since(began)
	var settled time.Duration
	defer func() {
		s.browser.log.DebugContext(ctx, "page shown", "url", l.url, "opened", opened, "settled", settled, "done", time.Since(began), "error", err)
	}()
	return t.bounded(ctx, limit, func(ctx context.Context) error {
		if err := t.navigate(ctx); err != nil {
			return err
		}
		if err := t.settle(ctx, rest); err != nil {
			return err
		}
		settled = time.Since(began)
		return use(ctx, t)
	})
}

// contextOn returns the session's BrowserContext on i. It is created at the first call.
func (s *session) contextOn(ctx context.Context, i *instance) (cdp.BrowserContextID, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return "", errUnavailable
	}
	if s.on == i {
		return s.id, nil
	}
	id, err := i.newContext(ctx, s.browser.cfg.Proxy.URL())
	if err != nil {
		return "", i.explain(ctx, err)
	}
	s.on, s.id = i, id
	return id, nil
}

// Close implements page.Session.
func (s *session) Close() {
	s.mu.Lock()
	on, id, closed := s.on, s.id, s.closed
	s.closed, s.on, s.kept = true, nil, nil
	s.mu.Unlock()
	if closed {
		return
	}
	s.cancel()
	if on != nil && !on.dead() {
		on.dispose(id) // also closes its tabs
	}
	s.tabs.Wait()
}

// keep stores a document under its addresses, for screenshots.
func (s *session) keep(v research.Visit, doc *page.Document, urls ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	k := kept{doc: doc, visit: v}
	for _, raw := range append(urls, v.FinalURL) {
		if u, err := page.ParseURL(raw); err == nil {
			k.urls = append(k.urls, u.String())
		}
	}
	s.kept = append(s.kept, k)
	size := 0
	for i := len(s.kept) - 1; i >= 0; i-- {
		if size += len(s.kept[i].doc.Body); size > maxKeptBytes || len(s.kept)-i > maxKept {
			s.kept = append([]kept(nil), s.kept[i+1:]...)
			break
		}
	}
}

// loaded returns the document that the session has stored for an address, or nil.
func (s *session) loaded(raw string) (research.Visit, *page.Document) {
	u, err := page.ParseURL(raw)
	if err != nil {
		return research.Visit{}, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := len(s.kept) - 1; i >= 0; i-- {
		for _, known := range s.kept[i].urls {
			if known == u.String() {
				return s.kept[i].visit, s.kept[i].doc
			}
		}
	}
	return research.Visit{}, nil
}

// address returns the address of u with its fragment replaced.
func address(u *url.URL, fragment string) string {
	plain, _, _ := strings.Cut(u.String(), "#")
	return plain + fragment
}

// fragment returns the part of a URL after '#'. It is never sent to a server, but some pages use it to decide what to show.
func fragment(raw string) string {
	if u, err := weburl.Parse(raw); err == nil && u.Fragment != "" {
		return "#" + u.EscapedFragment()
	}
	return ""
}
