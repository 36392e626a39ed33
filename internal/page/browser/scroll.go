package browser

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/runtime"
)

// Limits for scrolling through a page.
const (
	scrollShare  = 60 // percentage of the time left
	scrollTime   = 6 * time.Second
	scrollRounds = 12 // number of times that a page may grow while it is scrolled
)

//go:embed scripts/scroll.js
var scrollScript string

// scrolled is how far a page was scrolled.
type scrolled struct {
	Height float64 `json:"height"`
	Done   bool    `json:"done"`
}

// scroll scrolls down a page that loads more content when scrolled, until the page no longer grows, and waits for the content. more is true
// if the time was not enough. Pages that do not react to scrolling are not scrolled.
func (t *tab) scroll(ctx context.Context) (more bool, err error) {
	deadline, ok := ctx.Deadline()
	if !ok || !t.wantsScrolling(ctx) {
		return false, nil
	}
	end := time.Now().Add(min(time.Until(deadline)*scrollShare/100, scrollTime))
	height := 0.0
	for range scrollRounds {
		left := time.Until(end)
		if left <= 0 {
			return true, nil
		}
		s, err := evaluate[scrolled](ctx, t, fmt.Sprintf("(() => {%s\nreturn scrollDown(%d);})()", scrollScript, left.Milliseconds()))
		if err != nil {
			return false, err
		}
		if err := t.settle(ctx, max(time.Until(end), quietTime)); err != nil {
			return false, err
		}
		if !s.Done {
			return true, nil
		}
		if s.Height == height {
			return false, nil
		}
		height = s.Height
	}
	return true, nil
}

// wantsScrolling reports whether the page observes which elements are visible, or listens to scroll events.
func (t *tab) wantsScrolling(ctx context.Context) bool {
	r, err := cdp.Call(ctx, t.target, runtime.Evaluate, runtime.EvaluateParams{ // runs in the page's own world
		Expression: "window[Symbol.for('legwork.scrolls')]()", ReturnByValue: new(true), Silent: new(true),
	})
	return err == nil && r.ExceptionDetails == nil && string(r.Result.Value) == "true"
}
