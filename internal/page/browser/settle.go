package browser

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/runtime"

	_ "embed"
)

// When a page has come to rest.
const (
	quietTime = 300 * time.Millisecond // no request began or ended, and the page did not change
	stillTime = time.Second            // as long without a change is enough for a page that never stops asking
	lookAgain = 50 * time.Millisecond
	restShare = 75 // percent of the time limit; the rest of it is for reading
)

// pulse is a look at how far a page is.
type pulse struct {
	Ready bool `json:"ready"` // the page's own load event
	Nodes int  `json:"nodes"`
	Chars int  `json:"chars"`
}

const pulseScript = `({ready: document.readyState === 'complete', nodes: document.getElementsByTagName('*').length,
	chars: document.body ? document.body.textContent.length : 0})`

// settle waits until the page has come to rest, but not longer than limit: what is there by then is what is read.
func (t *tab) settle(ctx context.Context, limit time.Duration) error {
	rest := time.NewTimer(limit)
	defer rest.Stop()
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	var last pulse
	changed := time.Now()
	for {
		select {
		case <-tick.C:
		case <-rest.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
		quiet, idle := t.load.Load().quiet()
		if !idle && time.Since(changed) < stillTime {
			continue
		}
		now, err := evaluate[pulse](ctx, t, pulseScript)
		if err != nil {
			return err
		}
		if now != last {
			last, changed = now, time.Now()
			continue
		}
		still := time.Since(changed)
		if now.Ready && (idle && quiet >= quietTime && still >= quietTime || still >= stillTime) {
			return nil
		}
	}
}

// quiet says for how long no request began or ended, and whether none is under way.
func (l *load) quiet() (time.Duration, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Since(l.busy), len(l.pending) == 0
}

// reading is a page as it is shown.
type reading struct {
	HTML   string `json:"html"`
	Frames int    `json:"frames"` // whose content is in HTML
	Hidden int    `json:"hidden"` // consent banners taken away
	next   string // where its scripts want to lead to
}

// consentScript defines hideConsent(), readScript read(limit), quoteScript seek(quote) and inPicture(height).
//
//go:embed scripts/consent.js
var consentScript string

//go:embed scripts/read.js
var readScript string

// read takes the consent banners away and gives the page, at most limit characters of it.
func (t *tab) read(ctx context.Context, limit int64) (reading, error) {
	r, err := evaluate[reading](ctx, t, fmt.Sprintf("(() => {%s\n%s\nconst hidden = hideConsent(); return {...read(%d), hidden};})()",
		consentScript, readScript, limit))
	if err != nil {
		return r, err
	}
	l := t.load.Load()
	l.mu.Lock()
	defer l.mu.Unlock()
	r.next = l.next
	return r, nil
}

// evaluate runs an expression in the world of ours.
func evaluate[T any](ctx context.Context, t *tab, expression string) (T, error) {
	var out T
	r, err := cdp.Call(ctx, t.target, runtime.Evaluate, runtime.EvaluateParams{
		Expression: expression, ContextID: t.world, ReturnByValue: new(true), AwaitPromise: new(true), Silent: new(true),
	})
	if err != nil {
		return out, fmt.Errorf("look at the page: %w", err)
	}
	if e := r.ExceptionDetails; e != nil {
		text := e.Text
		if e.Exception != nil {
			text += ": " + e.Exception.Description
		}
		return out, errors.New("look at the page: " + text)
	}
	if err := json.Unmarshal(r.Result.Value, &out); err != nil {
		return out, fmt.Errorf("look at the page: %w", err)
	}
	return out, nil
}

// refusesFrame reports whether the policy forbids to read a frame.
func (s *session) refusesFrame(raw string) bool {
	u, err := url.Parse(raw)
	return err != nil || s.policy.Refuse(u.Host) != ""
}
