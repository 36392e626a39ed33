package browser

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/css"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	_ "embed"

	"legwork/internal/goroutine"
	"legwork/internal/page"
)

// Size of the screen on which pages are shown, in pixels.
const (
	screenWidth  = 1280
	screenHeight = 800
)

var (
	// errLost means that the tab or the browser has ended. Another try may succeed.
	errLost = errors.New("the tab is lost")
	// errNotSettled means that the page was still changing or sending requests when its time limit was reached.
	errNotSettled = errors.New("the page is still busy after its time")
)

// guardScript removes functions from pages that could bypass the proxy or outlive the page.
//
//go:embed scripts/guard.js
var guardScript string

// load is the process of showing one document in a tab. Events of an earlier load do not affect a later one.
type load struct {
	ctx      context.Context // context of the caller; if a goroutine panics, the run of this context gets the error
	doc      *page.Document
	url      string // with its fragment
	pictures bool   // images and fonts are loaded too

	mu       sync.Mutex
	served   bool // true if the document was sent to the tab
	pending  map[network.RequestID]bool
	busy     time.Time // when a request last started or ended
	requests int
	next     string // address to which a script navigates
}

// tab is a page in the browser. It shows documents of one session, one after the other.
type tab struct {
	session *session
	on      *instance
	ctx     context.Context // chromedp's context; it ends when the tab or the browser is closed
	target  *chromedp.Target
	close   func() // starts to close the tab and returns
	world   runtime.ExecutionContextID
	load    atomic.Pointer[load]

	crashed chan struct{}
	once    sync.Once       // ensures that crashed is closed only once
	cleaned <-chan struct{} // closed when the last page was unloaded, or the tab was lost

	mu      sync.Mutex
	release func() // releases the tab's slot; nil if the tab is idle
	over    bool   // true if the tab is closed
}

// openTab opens a tab for l. release is called when the tab is no longer used, or if it could not be opened.
func (s *session) openTab(ctx context.Context, i *instance, id cdp.BrowserContextID, l *load, release func()) (*tab, error) {
	t := &tab{session: s, on: i, crashed: make(chan struct{}), release: release}
	t.begin(l)
	life, end := chromedp.NewContext(i.ctx, chromedp.WithExistingBrowserContext(id), chromedp.WithListener(t.event))
	t.ctx = life
	// Tabs are opened and closed in the background: a caller that is cancelled must neither wait nor leave an open tab.
	opened, closing := make(chan error, 1), make(chan struct{})
	t.close = sync.OnceFunc(func() { close(closing) })
	s.tabs.Go(ctx, func() {
		opened <- goroutine.Catch(ctx, t.prepare)
		select {
		case <-closing:
		case <-s.ctx.Done():
		case <-life.Done():
		}
		s.browser.forget(t)
		end()
		t.finish()
	})
	select {
	case err := <-opened:
		if err != nil {
			t.close()
			return nil, i.explain(ctx, err)
		}
		return t, nil
	case <-ctx.Done():
		t.close()
		return nil, ctx.Err()
	}
}

// prepare creates the tab and makes its settings, such as the interception of requests.
func (t *tab) prepare() error {
	ctx, cancel := context.WithTimeout(t.ctx, 20*time.Second)
	defer cancel()
	// chromedp closes a tab when the context of its first use ends, so that context has no time limit. If Chromium does not open the tab in
	// time, giveUp is called.
	stop := goroutine.AfterFunc(ctx, func() {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			t.lose()
			t.on.giveUp()
		}
	})
	defer stop()
	if err := chromedp.Do(t.ctx); err != nil {
		return err
	}
	t.target = chromedp.FromContext(t.ctx).Target
	cfg := &t.session.browser.cfg
	steps := []func() error{
		// chromedp enables these events for its own use. We disable them, because they cost time, and a page could produce very many of them.
		call(ctx, t, runtime.Disable, cdp.Empty{}), call(ctx, t, dom.Disable, cdp.Empty{}),
		call(ctx, t, css.Disable, cdp.Empty{}), call(ctx, t, log.Disable, cdp.Empty{}),
		call(ctx, t, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: cfg.UserAgent, AcceptLanguage: "en"}),
		call(ctx, t, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
			Width: screenWidth, Height: screenHeight, DeviceScaleFactor: 1,
		}),
		call(ctx, t, network.SetBypassServiceWorker, network.SetBypassServiceWorkerParams{Bypass: true}),
		call(ctx, t, cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: guardScript}),
		call(ctx, t, fetch.Enable, fetch.EnableParams{HandleAuthRequests: new(true)}),
	}
	// The commands do not depend on each other, so they are sent without waiting for answers.
	var all goroutine.ErrGroup
	for _, step := range steps {
		all.Go(ctx, step)
	}
	return all.Wait()
}

// call returns a function that sends one command to the tab.
func call[P, R any](ctx context.Context, t *tab, c cdp.Command[P, R], params P) func() error {
	return func() error {
		if _, err := cdp.Call(ctx, t.target, c, params); err != nil {
			return fmt.Errorf("%s: %w", c.Method, err)
		}
		return nil
	}
}

// lose marks the tab as lost.
func (t *tab) lose() { t.once.Do(func() { close(t.crashed) }) }

// bounded runs f for at most limit. It returns nil, the error of ctx, errLost or errNotSettled.
func (t *tab) bounded(ctx context.Context, limit time.Duration, f func(context.Context) error) error {
	inner, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	watched := make(chan struct{})
	defer close(watched)
	goroutine.Go(ctx, func() {
		select {
		case <-t.crashed:
		case <-t.ctx.Done():
		case <-watched:
		}
		cancel()
	})
	err := f(inner)
	if err == nil {
		return nil
	}
	select {
	case <-t.crashed:
		return fmt.Errorf("%w: %w", errLost, err)
	default:
	}
	if ctx.Err() == nil && t.session.ctx.Err() == nil && errors.Is(inner.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("%w: %w", errNotSettled, err)
	}
	return t.on.explain(ctx, err)
}

// explain returns the error of ctx if ctx has ended, else errLost for an error caused by a lost tab or browser.
func (i *instance) explain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if i.dead() || errors.Is(err, chromedp.ErrTargetDetached) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: %w", errLost, err)
	}
	return err
}

// navigate opens the document in the tab.
func (t *tab) navigate(ctx context.Context) error {
	r, err := cdp.Call(ctx, t.target, cdppage.Navigate, cdppage.NavigateParams{URL: t.load.Load().url})
	if err != nil {
		return err
	}
	if r.ErrorText != "" {
		return fmt.Errorf("the browser does not show the page: %s", r.ErrorText)
	}
	w, err := cdp.Call(ctx, t.target, cdppage.CreateIsolatedWorld, cdppage.CreateIsolatedWorldParams{
		FrameID: cdp.FrameID(t.target.TargetID), WorldName: "legwork",
	})
	if err != nil {
		return fmt.Errorf("create an isolated JavaScript world: %w", err)
	}
	t.world = w.ExecutionContextID
	return nil
}
