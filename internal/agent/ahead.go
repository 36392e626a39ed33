package agent

import (
	"context"
	"strings"
	"time"

	"legwork/internal/page"
	"legwork/internal/research"
	"legwork/internal/search"
)

// flight is a call that is announced and under way, while earlier calls of its reply are recorded. Its key is chosen; its
// step is recorded when the call's turn comes, so the journal and the log have the order of the reply.
type flight struct {
	turn, callNo int
	done         chan struct{} // closed when the fields below are there
	visit        research.Visit
	timeUp       bool
	found        search.Answer
	took         time.Duration
	err          error
}

// land waits for the end of a flight.
func (f *flight) land(ctx context.Context) error {
	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// departure is a call of a reply that may be made before its turn.
type departure struct {
	tool   string
	target string // the address, or the query
	args   map[string]any
	raw    []byte
	place  string // registrable domain, or what stands for the search engine: one flight at a time
}

// sendAhead makes the calls of a reply that touch different domains at the same time. What may be made ahead is decided
// by what was known before the reply and never by how long a call takes, so a resumed run decides the same; what the
// journal has is not made again. The others wait for their turn, among them every further call to the same domain. wait
// ends what is still under way.
func (a *asker) sendAhead(ctx context.Context, calls []wish) (wait func(), err error) {
	a.ahead = map[string]page.Address{}
	wait = func() {}
	out, places := a.departures(calls)
	if len(out) < 2 {
		return wait, nil
	}
	a.ahead = places
	var flights []*flight
	var missing []departure
	var events []research.Event
	for _, d := range out {
		if a.recorded(d.tool, d.args) {
			continue
		}
		f := &flight{done: make(chan struct{})}
		f.turn, f.callNo = a.nextKey()
		a.took(f.turn, f.callNo)
		flights, missing = append(flights, f), append(missing, d)
		events = append(events, research.ToolCall(d.tool, d.args, map[string]any{"turn": f.turn, "callNo": f.callNo}))
	}
	if len(flights) == 0 {
		return wait, nil
	}
	if err := a.env.Emit(ctx, events...); err != nil {
		return wait, err
	}
	ctx, cancel := context.WithCancel(ctx)
	for i, f := range flights {
		d := missing[i]
		shelved := a.shelved[d.target] // read here: later searches write it
		a.flights[callKey(d.tool, d.raw)] = f
		at := places[d.target]
		go func() {
			defer close(f.done)
			began := time.Now()
			if d.tool == ToolSearch {
				f.found, f.err = a.env.Search(ctx, d.target)
			} else {
				f.visit, f.timeUp, f.err = a.load(ctx, at, shelved)
			}
			f.took = time.Since(began)
		}()
	}
	return func() {
		cancel()
		for _, f := range flights {
			<-f.done
		}
		clear(a.flights)
	}, nil
}

// departures are the calls of a reply that may be made ahead, at most one for each domain, with where their
// pages are by address. It ends at the first call of which it cannot be told now which page it opens.
func (a *asker) departures(calls []wish) ([]departure, map[string]page.Address) {
	var out []departure
	places, busy, fresh := map[string]page.Address{}, map[string]bool{}, 0
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
		d := departure{tool: ToolSearch, place: "a search engine"}
		var at page.Address
		switch spec.name {
		case ToolSearch:
			d.target, _ = args["query"].(string)
			d.args = map[string]any{"query": d.target}
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
			var why string
			if at, why = a.admit(u); why != "" {
				return out, places
			}
			d = departure{tool: ToolNavigate, target: u.String(), args: map[string]any{"url": u.String()}, place: page.Domain(u.Host)}
		default:
			continue
		}
		if busy[d.place] {
			continue
		}
		if d.raw, err = research.EncodeJSON(d.args); err != nil {
			continue
		}
		if d.tool == ToolNavigate {
			if !a.recorded(d.tool, d.args) {
				if a.loads+fresh >= a.opts.MaxPages || a.env.readingTime() <= 0 {
					return out, places
				}
				fresh++
			}
			places[d.target] = at
		}
		busy[d.place] = true
		out = append(out, d)
	}
	return out, places
}

// loading is how many pages are being loaded ahead: they count against MaxPages.
func (b *session) loading() int {
	n := 0
	for key := range b.flights {
		if strings.HasPrefix(key, ToolNavigate+"\x00") {
			n++
		}
	}
	return n
}
