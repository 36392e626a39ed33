package browser

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"
)

// blank is the address that an empty tab shows.
const blank = "about:blank"

// A page gets cleanTime to unload. Until then, the tab is checked every cleanAgain.
const (
	cleanTime  = 2 * time.Second
	cleanAgain = 5 * time.Millisecond
)

// begin sets l as the current load of the tab.
func (t *tab) begin(l *load) {
	l.pending, l.busy = map[network.RequestID]bool{}, time.Now()
	t.load.Store(l)
}

// tab returns a tab for l: an idle tab of the session, or a new one. An idle tab is preferred, because opening a tab takes several times as
// long as showing a page. release is called when the tab is no longer used, or when no tab could be opened.
func (s *session) tab(ctx context.Context, i *instance, id cdp.BrowserContextID, l *load, fresh bool, release func()) (*tab, error) {
	for !fresh {
		t := s.browser.unpark(s, i)
		if t == nil {
			break
		}
		ok, err := t.use(ctx, release)
		if err != nil {
			release()
			return nil, err
		}
		if ok {
			t.begin(l)
			return t, nil
		}
	}
	return s.openTab(ctx, i, id, l, release)
}

// use takes an idle tab for the next page, if the tab's last page can be unloaded. ok is false if the tab no longer exists.
func (t *tab) use(ctx context.Context, release func()) (ok bool, err error) {
	select {
	case <-t.cleaned:
	case <-ctx.Done():
		t.close()
		return false, ctx.Err()
	}
	select {
	case <-t.crashed:
		t.close()
		return false, nil
	default:
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.over {
		t.release = release
	}
	return !t.over, nil
}

// finish closes the tab.
func (t *tab) finish() {
	t.mu.Lock()
	t.over = true
	release := t.release
	t.release = nil
	t.mu.Unlock()
	if release != nil {
		release()
	}
}

// park makes the tab available for the next page of its session, and unloads the current page in the background. Until the page is
// unloaded, the tab occupies its slot.
func (t *tab) park() {
	cleaned := make(chan struct{})
	t.cleaned = cleaned
	t.session.tabs.Go(t.load.Load().ctx, func() {
		defer close(cleaned)
		ctx, cancel := context.WithTimeout(t.ctx, cleanTime)
		defer cancel()
		if t.clean(ctx) != nil {
			t.lose()
			t.close()
			return
		}
		t.mu.Lock()
		release := t.release
		t.release = nil
		t.mu.Unlock()
		if release != nil {
			release()
		}
	})
	t.session.browser.park(t)
}

// clean unloads the page with everything that it runs, and removes it from the history, so that no later page can navigate back to it.
func (t *tab) clean(ctx context.Context) error {
	r, err := cdp.Call(ctx, t.target, cdppage.Navigate, cdppage.NavigateParams{URL: blank})
	if err == nil && r.ErrorText != "" {
		err = fmt.Errorf("leave the page: %s", r.ErrorText)
	}
	if err != nil {
		return err
	}
	// The command may return before the page is unloaded.
	tick := time.NewTicker(cleanAgain)
	defer tick.Stop()
	for {
		if _, err = cdp.Call(ctx, t.target, cdppage.ResetNavigationHistory, cdp.Empty{}); err == nil {
			var h cdppage.GetNavigationHistoryResult
			h, err = cdp.Call(ctx, t.target, cdppage.GetNavigationHistory, cdp.Empty{})
			if err == nil && len(h.Entries) == 1 && h.Entries[0].URL == blank {
				return nil
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("forget the page: %w", errors.Join(err, ctx.Err()))
		}
	}
}

// park adds a tab to the idle tabs. There are at most as many idle tabs as slots. If there would be more, the oldest is closed.
func (b *Browser) park(t *tab) {
	b.mu.Lock()
	b.idle = append(b.idle, t)
	var oldest *tab
	if len(b.idle) > b.cfg.Tabs {
		oldest = b.idle[0]
		b.idle = slices.Delete(b.idle, 0, 1)
	}
	b.mu.Unlock()
	if oldest != nil {
		oldest.close()
	}
	if t.ctx.Err() != nil || t.session.ctx.Err() != nil {
		b.forget(t) // the tab may have been closed before it was added
	}
}

// unpark returns an idle tab of the session on i, or nil if there is none.
func (b *Browser) unpark(s *session, i *instance) *tab {
	b.mu.Lock()
	defer b.mu.Unlock()
	for n, t := range slices.Backward(b.idle) {
		if t.session == s && t.on == i {
			b.idle = slices.Delete(b.idle, n, n+1)
			return t
		}
	}
	return nil
}

// forget removes a closed tab from the idle tabs.
func (b *Browser) forget(t *tab) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := slices.Index(b.idle, t); n >= 0 {
		b.idle = slices.Delete(b.idle, n, n+1)
	}
}
