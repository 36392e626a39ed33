package agent

import (
	"context"
	"strings"

	"legwork/internal/page"
	"legwork/internal/research"
)

// prefetchCalls makes the calls of a reply that touch different domains at the same time. Which calls they are follows from
// what was known before the reply and never from how long a call takes, so a resumed run decides the same; what the journal
// has is not made again. The others wait for their turn, among them every further call to the same domain. stop ends what is
// still under way.
func (a *asker) prefetchCalls(ctx context.Context, calls []wish) (stop func(), err error) {
	early, places := a.earlyCalls(calls)
	if len(early) < 2 {
		a.early = map[string]page.Address{}
		return func() {}, nil
	}
	a.early = places
	return a.prefetch(ctx, early)
}

// searchDomain stands for the search engine where calls are told apart by the domain that they touch.
const searchDomain = "a search engine"

// earlyCalls are the calls of a reply that may be made before their turn, at most one for each domain, with where their
// pages are by address. It ends at the first call of which it cannot be told now which page it opens.
func (a *asker) earlyCalls(calls []wish) ([]earlyCall, map[string]page.Address) {
	var out []earlyCall
	places, busy, loads := map[string]page.Address{}, map[string]bool{}, 0
	for _, w := range calls[:min(len(calls), maxCalls)] {
		spec := toolNamed(w.name)
		if spec == nil {
			continue
		}
		args, err := spec.arguments(w.args)
		if err != nil {
			continue
		}
		raw, err := research.EncodeJSON(args)
		if err != nil || a.repeats[callKey(spec.name, raw)] >= maxRepeats {
			continue
		}
		var c earlyCall
		domain := searchDomain
		switch spec.name {
		case ToolSearch:
			query, _ := args["query"].(string)
			c = earlyCall{tool: ToolSearch, query: query, args: map[string]any{"query": query}}
		case ToolNavigate, ToolContent, ToolChunk, ToolLinks, ToolFind:
			url, _ := args["url"].(string)
			if url == "" && spec.name == ToolFind {
				continue
			}
			u, ok := a.address(url)
			if !ok || !strings.Contains(url, "://") {
				return out, places
			}
			if _, open := a.byURL[u.String()]; open {
				continue
			}
			at, why := a.admit(u)
			if why != "" {
				return out, places
			}
			c = earlyCall{tool: ToolNavigate, at: at, args: map[string]any{"url": at.URL}}
			domain = page.Domain(u.Host)
		default:
			continue
		}
		if busy[domain] {
			continue
		}
		if c.tool == ToolNavigate {
			if !a.recorded(c.tool, c.args) {
				if a.loads+loads >= a.opts.MaxPages || a.env.readingTime() <= 0 {
					return out, places
				}
				loads++
			}
			places[c.at.URL] = c.at
		}
		busy[domain] = true
		out = append(out, c)
	}
	return out, places
}
