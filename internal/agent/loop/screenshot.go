package loop

import (
	"context"
	"fmt"

	"legwork/internal/agent"
	"legwork/internal/page"
)

// screenshotTool takes a picture of a page, for the user. The model does not see it.
func (a *run) screenshotTool(ctx context.Context, url string, full bool) (shownOutcome, error) {
	if a.Env.Shoot == nil {
		return a.refuse(agent.ToolScreenshot, "this server has no browser, so there are no screenshots. Use get_page_content."), nil
	}
	if url == "" {
		if len(a.Pages) == 0 {
			return a.refuse(agent.ToolScreenshot, "no page is open yet. Open one with navigate_to."), nil
		}
		url = a.Pages[len(a.Pages)-1].URL
	}
	o, out, err := a.open(ctx, url, false)
	if err != nil || o == nil {
		return out, err
	}
	args := map[string]any{"url": o.URL}
	if full {
		args["fullPage"] = true
	}
	if !a.Recorded(agent.ToolScreenshot, args) {
		left := a.Env.ReadingTime()
		switch {
		case a.ScreenshotCount >= agent.MaxScreenshots:
			return a.refuse(agent.ToolScreenshot, "%d screenshots were taken, which is the limit. Go on without.", agent.MaxScreenshots), nil
		case left < agent.LeastScreenshotTime:
			a.NoteBudget("timeBudget")
			return a.refuse(agent.ToolScreenshot, "the time is up. Say DONE."), nil
		}
		a.ScreenshotCount++
	}
	var t agent.Screenshot
	err = a.Call(ctx, agent.ToolScreenshot, args, nil, &t, func(ctx context.Context) (agent.Effect, error) {
		turn, callNo := a.NextKey()
		return a.Shoot(ctx, min(agent.OneScreenshotTime, a.Env.ReadingTime()), agent.ScreenshotName(turn, callNo), page.ShotRequest{URL: o.URL, FullPage: full}, nil)
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
