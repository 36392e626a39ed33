package browser

import (
	"context"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/target"
)

// TabsOf returns the number of pages in the BrowserContexts of sessions.
func TabsOf(b *Browser) int {
	b.mu.Lock()
	live := make([]*instance, 0, len(b.live))
	for i := range b.live {
		live = append(live, i)
	}
	b.mu.Unlock()
	n := 0
	for _, i := range live {
		ctx, cancel := context.WithTimeout(i.ctx, 10*time.Second)
		contexts, _ := cdp.Call(ctx, i.browser, target.GetBrowserContexts, cdp.Empty{})
		ours := map[cdp.BrowserContextID]bool{}
		for _, id := range contexts.BrowserContextIDs {
			ours[id] = true
		}
		got, err := cdp.Call(ctx, i.browser, target.GetTargets, target.GetTargetsParams{})
		cancel()
		if err != nil {
			continue
		}
		for _, info := range got.TargetInfos {
			if info.Type == "page" && ours[info.BrowserContextID] {
				n++
			}
		}
	}
	return n
}

// ContextsOf returns the number of BrowserContexts of sessions.
func ContextsOf(b *Browser) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for i := range b.live {
		ctx, cancel := context.WithTimeout(i.ctx, 10*time.Second)
		contexts, _ := cdp.Call(ctx, i.browser, target.GetBrowserContexts, cdp.Empty{})
		cancel()
		n += len(contexts.BrowserContextIDs)
	}
	return n
}

// PIDs returns the process ids of the running Chromiums.
func PIDs(b *Browser) []int {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []int
	for i := range b.live {
		out = append(out, int(i.pid.Load()))
	}
	return out
}
