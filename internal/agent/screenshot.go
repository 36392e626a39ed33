package agent

import (
	"context"
	"fmt"

	"legwork/internal/page"
)

// screenshotTool takes a picture of a page for the user.
func (a *asker) screenshotTool(ctx context.Context, url string, full bool) (shownOutcome, error) {
	if a.env.Shoot == nil {
		return a.refuse(ToolScreenshot, "this server has no browser, so there are no screenshots. Use get_page_content."), nil
	}
	if url == "" {
		if len(a.pages) == 0 {
			return a.refuse(ToolScreenshot, "no page is open yet. Open one with navigate_to."), nil
		}
		url = a.pages[len(a.pages)-1].URL
	}
	o, out, err := a.open(ctx, url)
	if err != nil || o == nil {
		return out, err
	}
	args := map[string]any{"url": o.URL}
	if full {
		args["fullPage"] = true
	}
	if !a.recorded(ToolScreenshot, args) {
		left := a.env.readingTime()
		switch {
		case a.shots >= maxShots:
			return a.refuse(ToolScreenshot, "%d screenshots were taken, which is the limit. Go on without.", maxShots), nil
		case left < leastShotTime:
			a.cutBy("timeBudget")
			return a.refuse(ToolScreenshot, "the time is up. Say DONE."), nil
		}
		a.shots++
	}
	var t taken
	err = a.call(ctx, ToolScreenshot, args, nil, &t, func(ctx context.Context) (effect, error) {
		turn, callNo := a.nextKey()
		return a.shoot(ctx, min(oneShotTime, a.env.readingTime()), shotName(turn, callNo), page.ShotRequest{URL: o.URL, FullPage: full}, nil)
	})
	if err != nil {
		return shownOutcome{}, err
	}
	if t.ImageURL == "" {
		return shownOutcome{text: "No screenshot was taken: " + t.Message}, nil
	}
	text := fmt.Sprintf("A screenshot of %s (%d × %d pixels) was kept for the user. You cannot see it; go on with the text.", t.URL, t.Width, t.Height)
	return shownOutcome{text: text, fresh: true}, nil
}
