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

// When a page counts as settled.
const (
	quietTime = 300 * time.Millisecond // no request began or ended for this long, and the page did not change
	calmTime  = 100 * time.Millisecond // this long is enough for a page that has nothing running; see guard.js
	stillTime = time.Second            // this long without a change is enough for a page whose requests never end
	lookAgain = 25 * time.Millisecond  // pause between two looks, or twice the time of a look if that is longer
	calmNodes = 10_000                 // elements of a page up to which it is worth while to save the rest
	restShare = 75                     // percent of the time limit; the rest of it is for reading
)

// pulse is the state of a page at one look.
type pulse struct {
	Ready bool `json:"ready"` // the page's own load event
	Nodes int  `json:"nodes"`
	Chars int  `json:"chars"`
}

const pulseScript = `({ready: document.readyState === 'complete', nodes: document.getElementsByTagName('*').length,
	chars: document.body ? document.body.textContent.length : 0})`

// plainScript lets timers that are due run, and the page draw itself, which observers wait for. It says whether that was soon
// done, and there are neither frames, which have timers of their own, nor animations, whose end scripts may wait for.
const plainScript = `new Promise(done => { setTimeout(done, 300); requestAnimationFrame(() => setTimeout(() => done(true), 0)) })
	.then(drawn => !!drawn && window.length + document.getAnimations().length === 0)`

// settle waits until the page has settled, at most for limit. After that the page is read as it is.
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
		began := time.Now()
		now, err := evaluate[pulse](ctx, t, pulseScript)
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

// calm reports whether the page has nothing running that could change it before quietTime is over. It is false
// for a page with pictures.
func (t *tab) calm(ctx context.Context, last pulse) (bool, error) {
	l := t.load.Load()
	if l.pictures {
		return false, nil
	}
	if plain, err := evaluate[bool](ctx, t, plainScript); err != nil || !plain {
		return false, err
	}
	r, err := cdp.Call(ctx, t.target, runtime.Evaluate, runtime.EvaluateParams{ // in the world of the page
		Expression: fmt.Sprintf("window[Symbol.for('legwork.soon')](%d)", quietTime.Milliseconds()), ReturnByValue: new(true), Silent: new(true),
	})
	if err != nil || r.ExceptionDetails != nil || string(r.Result.Value) != "false" {
		return false, err
	}
	now, err := evaluate[pulse](ctx, t, pulseScript)
	quiet, idle := l.quiet()
	return now == last && idle && quiet >= calmTime, err
}

// quiet returns for how long no request began or ended, and whether none is running.
func (l *load) quiet() (time.Duration, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Since(l.busy), len(l.pending) == 0
}

// reading is the content of a page as it is shown.
type reading struct {
	HTML   string `json:"html"`
	Frames int    `json:"frames"` // whose content is in HTML
	More   bool   `json:"-"`      // it loads more when it is scrolled, and there was not enough time for all of it
	Hidden int    `json:"hidden"` // consent banners taken away
	next   string // the address that its scripts navigate to
}

// consentScript defines hideConsent(), readScript read(limit), quoteScript seekAll(quotes, enough) and shown(height).
//
//go:embed scripts/consent.js
var consentScript string

//go:embed scripts/read.js
var readScript string

// read hides consent banners and returns the page, at most limit characters of it.
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

// evaluate runs an expression in a JavaScript world of ours, which the page cannot change.
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
