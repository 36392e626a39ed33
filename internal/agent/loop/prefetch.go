package loop

import (
	"context"
	"strings"

	"legwork/internal/agent"
	"legwork/internal/agent/toolcalls"
	"legwork/internal/page"
	"legwork/internal/research"
)

// prefetchCalls starts several calls of a reply at the same time, at most one per domain. Further calls to the same
// domain, and all other calls, are made later in the order of the reply. The choice depends on what was known before the
// reply, never on how long a call takes, so a resumed run chooses the same calls. Calls in the journal are not made
// again. stop cancels the calls that have not ended.
func (a *run) prefetchCalls(ctx context.Context, calls []toolcalls.Call) (stop func(), err error) {
	early, places := a.earlyCalls(calls)
	if len(early) < 2 {
		a.early = map[string]page.Address{}
		return func() {}, nil
	}
	a.early = places
	return a.Prefetch(ctx, early)
}

// searchDomain is used as the domain of all searches, so that only one search of a reply starts early.
const searchDomain = "a search engine"

// earlyCalls returns the calls of a reply that may start early, at most one per domain, and the pages that they open, by
// URL. It ends at the first call whose address is relative or may not be opened, or whose page would exceed the budget.
func (a *run) earlyCalls(calls []toolcalls.Call) ([]agent.EarlyCall, map[string]page.Address) {
	var out []agent.EarlyCall
	places, busy, loads := map[string]page.Address{}, map[string]bool{}, 0
	for _, w := range calls[:min(len(calls), maxCalls)] {
		spec := toolcalls.Named(w.Name)
		if spec == nil {
			continue
		}
		args, err := spec.Arguments(w.Arguments)
		if err != nil {
			continue
		}
		raw, err := research.EncodeJSON(args)
		if err != nil || a.repeats[agent.CallKey(spec.Name, raw)] >= maxRepeats {
			continue
		}
		var c agent.EarlyCall
		domain := searchDomain
		switch spec.Name {
		case agent.ToolSearch:
			query, _ := args["query"].(string)
			c = agent.EarlyCall{Tool: agent.ToolSearch, Query: query, Args: map[string]any{"query": query}}
		case agent.ToolNavigate, agent.ToolContent, agent.ToolChunk, agent.ToolLinks, agent.ToolFind:
			url, _ := args["url"].(string)
			if url == "" && spec.Name == agent.ToolFind {
				continue
			}
			u, ok := a.known.Parse(url, a.Pages)
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
			c = agent.EarlyCall{Tool: agent.ToolNavigate, At: at, Args: map[string]any{"url": at.URL}}
			domain = page.Domain(u.Host)
		default:
			continue
		}
		if busy[domain] {
			continue
		}
		if c.Tool == agent.ToolNavigate {
			if !a.Recorded(c.Tool, c.Args) {
				if a.Loads+loads >= a.Opts.MaxPages || a.Env.ReadingTime() <= 0 {
					return out, places
				}
				loads++
			}
			places[c.At.URL] = c.At
		}
		busy[domain] = true
		out = append(out, c)
	}
	return out, places
}
