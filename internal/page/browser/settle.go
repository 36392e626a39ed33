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

// These limits say when a page counts as settled.
const (
	quietTime   = 300 * time.Millisecond // a page is settled if no request started or ended and nothing changed for this long
	calmTime    = 100 * time.Millisecond // a shorter quietTime for a page in which nothing is running; see guard.js
	stillTime   = time.Second            // if requests never end, a page is settled if nothing changed for this long
	lookAgain   = 25 * time.Millisecond  // pause between two checks, or twice the duration of a check if that is longer
	calmNodes   = 10_000                 // calmTime is used only for pages with at most this number of elements
	settleShare = 75                     // percentage of the time limit for settling; the rest is for reading
)

// pageState is the state of a page at one check.
type pageState struct {
	Ready bool `json:"ready"` // the page's load event has fired
	Nodes int  `json:"nodes"`
	Chars int  `json:"chars"`
}

const stateScript = `({ready: document.readyState === 'complete', nodes: document.getElementsByTagName('*').length,
	chars: document.body ? document.body.textContent.length : 0})`

// plainScript waits until pending timers have run and the page has drawn, since observers are called only then. It returns true if this
// happened soon, and if the page has neither frames (which have their own timers) nor animations (whose end may start scripts).
const plainScript = `new Promise(done => { setTimeout(done, 300); requestAnimationFrame(() => setTimeout(() => done(true), 0)) })
	.then(drawn => !!drawn && window.length + document.getAnimations().length === 0)`

// settle waits until the page has settled, or until limit is over. In both cases the page can then be read.
func (t *tab) settle(ctx context.Context, limit time.Duration) error {
	rest := time.NewTimer(limit)
	defer rest.Stop()
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	var last pageState
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
		began := time.Now()
		now, err := evaluate[pageState](ctx, t, stateScript)
		if err != nil {
			return err
		}
		tick.Reset(max(lookAgain, 2*time.Since(began)))
		if now != last {
			last, changed = now, time.Now()
			continue
		}
		still := time.Since(changed)
		if now.Ready && (idle && quiet >= quietTime && still >= quietTime || still >= stillTime) {
			return nil
		}
		if now.Ready && now.Nodes <= calmNodes && idle && quiet >= calmTime && still >= calmTime {
			calm, err := t.calm(ctx, now)
			if calm || err != nil {
				return err
			}
		}
	}
}

// calm reports whether nothing in the page is running that could change the page before quietTime is over. It returns false for loads with
// pictures.
func (t *tab) calm(ctx context.Context, last pageState) (bool, error) {
	l := t.load.Load()
	if l.pictures {
		return false, nil
	}
	if plain, err := evaluate[bool](ctx, t, plainScript); err != nil || !plain {
		return false, err
	}
	r, err := cdp.Call(ctx, t.target, runtime.Evaluate, runtime.EvaluateParams{ // runs in the page's own world
		Expression: fmt.Sprintf("window[Symbol.for('legwork.soon')](%d)", quietTime.Milliseconds()), ReturnByValue: new(true), Silent: new(true),
	})
	if err != nil || r.ExceptionDetails != nil || string(r.Result.Value) != "false" {
		return false, err
	}
	now, err := evaluate[pageState](ctx, t, stateScript)
	quiet, idle := l.quiet()
	return now == last && idle && quiet >= calmTime, err
}

// quiet returns how long ago the last request started or ended, and whether no request is running.
func (l *load) quiet() (time.Duration, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Since(l.busy), len(l.pending) == 0
}

// reading is the content of a page as it is shown.
type reading struct {
	HTML   string `json:"html"`
	Frames int    `json:"frames"` // number of frames whose content is in HTML
	More   bool   `json:"-"`      // true if there is more content, which the time for scrolling was not enough to load
	Hidden int    `json:"hidden"` // number of consent banners that were removed
	next   string // address to which the page's scripts navigate
}

// consentScript defines hideConsent(), readScript defines read(limit), seekScript defines seeker(enough), and quoteScript
// defines seekAll(quotes, surroundings, enough) and shown(height).
//
//go:embed scripts/consent.js
var consentScript string

//go:embed scripts/read.js
var readScript string

// read removes consent banners and returns the page, at most limit characters of it.
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

// evaluate runs an expression in an isolated JavaScript world, which the page cannot change.
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

// refusesFrame reports whether the policy forbids the address of a frame.
func (s *session) refusesFrame(raw string) bool {
	u, err := url.Parse(raw)
	return err != nil || s.scope.Hosts.Refuse(u.Host) != ""
}
