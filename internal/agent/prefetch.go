package agent

import (
	"context"
	"fmt"
	"strings"
	"time"

	"legwork/internal/goroutine"
	"legwork/internal/page"
	"legwork/internal/research"
	"legwork/internal/search"
)

// EarlyCall is a call of a reply that may be made before earlier calls of the same reply have ended: a search, or a page
// to open.
type EarlyCall struct {
	Tool  string
	Args  map[string]any
	Query string       // the query of a search
	At    page.Address // the address of a page to open
}

// callUnderWay is a call that was announced and is running while earlier calls of the same reply are recorded. Its
// journal key is already chosen. Its step is recorded after those of the earlier calls, so the journal and the log have
// the order of the reply.
type callUnderWay struct {
	turn, callNo int
	done         chan struct{} // closed when the fields below are set
	visit        research.Visit
	timeUp       bool
	found        search.Answer
	duration     time.Duration
	err          error
}

// wait returns when the call or ctx has ended.
func (c *callUnderWay) wait(ctx context.Context) error {
	select {
	case <-c.done:
		return c.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Prefetch announces calls and makes them at the same time. Later, Search and Navigate use the results instead of making
// the calls. Calls whose result is in the journal are not made. stop cancels the calls whose result was not used, and
// waits until they have ended.
func (b *Session) Prefetch(ctx context.Context, calls []EarlyCall) (stop func(), err error) {
	stop = func() {}
	underWay := map[*callUnderWay]EarlyCall{}
	var order []*callUnderWay
	var events []research.Event
	for _, c := range calls {
		if b.Recorded(c.Tool, c.Args) {
			continue
		}
		raw, err := research.EncodeJSON(c.Args)
		if err != nil {
			return stop, fmt.Errorf("arguments of %s: %w", c.Tool, err)
		}
		u := &callUnderWay{done: make(chan struct{})}
		u.turn, u.callNo = b.NextKey()
		b.UseKey(u.turn, u.callNo)
		b.underWay[CallKey(c.Tool, raw)] = u
		underWay[u], order = c, append(order, u)
		events = append(events, research.ToolCall(c.Tool, c.Args, map[string]any{"turn": u.turn, "callNo": u.callNo}))
	}
	if len(order) == 0 {
		return stop, nil
	}
	if err := b.Env.Emit(ctx, events...); err != nil {
		return stop, err
	}
	ctx, cancel := context.WithCancel(ctx)
	for _, u := range order {
		c, fromLibrary := underWay[u], b.fromLibrary[underWay[u].At.URL] // read before the goroutine starts, because later searches write to the map
		goroutine.Go(ctx, func() {
			defer close(u.done)
			began := time.Now()
			u.err = goroutine.Catch(ctx, func() (err error) {
				if c.Tool == ToolSearch {
					u.found, err = b.search(ctx, c.Query)
				} else {
					u.visit, u.timeUp, err = b.load(ctx, c.At, fromLibrary)
				}
				return err
			})
			u.duration = time.Since(began)
		})
	}
	return func() {
		cancel()
		for _, u := range order {
			<-u.done
		}
		clear(b.underWay)
	}, nil
}

// Loading returns the number of pages being prefetched. They count against MaxPages.
func (b *Session) Loading() int {
	n := 0
	for key := range b.underWay {
		if strings.HasPrefix(key, ToolNavigate+"\x00") {
			n++
		}
	}
	return n
}
