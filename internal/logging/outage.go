package logging

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"legwork/internal/research"
)

// outageEvery is the time in which a component logs at most one line about an outage.
const outageEvery = 30 * time.Second

// outageHandler is a slog.Handler that passes on one line a component and outageEvery, of those warnings and errors that say that
// the database or another service does not answer. During an outage, each loop and each request would write such lines. The
// last line of each interval is passed on at its end, with the number of lines that it stands for. All other lines pass.
type outageHandler struct {
	slog.Handler
	state *outageState // the same in all handlers that With and WithGroup return
}

// outageState has the components that have logged about an outage lately.
type outageState struct {
	every time.Duration

	mu         sync.Mutex
	components map[string]*component
	closed     bool
}

type component struct {
	timer  *time.Timer
	held   int          // lines since the last one that was passed on
	last   slog.Record  // the last of them
	target slog.Handler // its handler, which has the attributes of its logger
}

func withoutRepetition(h slog.Handler, every time.Duration) outageHandler {
	return outageHandler{Handler: h, state: &outageState{every: every, components: map[string]*component{}}}
}

// WithAttrs implements slog.Handler.
func (h outageHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return outageHandler{Handler: h.Handler.WithAttrs(attrs), state: h.state}
}

// WithGroup implements slog.Handler.
func (h outageHandler) WithGroup(name string) slog.Handler {
	return outageHandler{Handler: h.Handler.WithGroup(name), state: h.state}
}

// Handle implements slog.Handler.
func (h outageHandler) Handle(ctx context.Context, r slog.Record) error {
	if r.Level < slog.LevelWarn {
		return h.Handler.Handle(ctx, r)
	}
	name := componentOf(r.PC)
	if !aboutOutage(r, name) {
		return h.Handler.Handle(ctx, r)
	}
	h.state.mu.Lock()
	if c := h.state.components[name]; c != nil {
		c.held++
		c.last, c.target = r.Clone(), h.Handler
		h.state.mu.Unlock()
		return nil
	}
	if !h.state.closed {
		h.state.components[name] = &component{timer: time.AfterFunc(h.state.every, func() { h.state.passOn(name) })}
	}
	h.state.mu.Unlock()
	return h.Handler.Handle(ctx, r)
}

// passOn passes on the last line that a component logged in the interval that has ended. If there was none, the outage is over
// for the component.
func (s *outageState) passOn(name string) {
	s.mu.Lock()
	c := s.components[name]
	if c == nil || c.held == 0 {
		delete(s.components, name)
		s.mu.Unlock()
		return
	}
	line, target := counted(c), c.target
	if !s.closed {
		c.timer.Reset(s.every)
	}
	s.mu.Unlock()
	_ = target.Handle(context.Background(), line)
}

// counted returns the last line of a component, with the number of lines that it stands for, and forgets them.
func counted(c *component) slog.Record {
	line := c.last
	line.AddAttrs(slog.Int("lines", c.held))
	c.held, c.last = 0, slog.Record{}
	return line
}

// close passes on what is held back. From then on all lines pass.
func (s *outageState) close() {
	s.mu.Lock()
	s.closed = true
	var names []string
	for name, c := range s.components {
		c.timer.Stop()
		names = append(names, name)
	}
	s.mu.Unlock()
	for _, name := range names {
		s.passOn(name) // the line
		s.passOn(name) // and the end of the interval
	}
}

// aboutOutage reports whether a line of a component has an error that means that a service does not answer. Errors of pages are
// no outages: each is about another page.
func aboutOutage(r slog.Record, component string) (about bool) {
	signs := databaseSigns
	if component == river {
		signs = riverSigns
	}
	r.Attrs(func(a slog.Attr) bool {
		text := ""
		switch v := a.Value.Any().(type) {
		case error:
			about, text = errors.Is(v, research.ErrUnavailable), v.Error()
		case string:
			if a.Key == "err" || a.Key == "error" {
				text = v
			}
		}
		about = about || slices.ContainsFunc(signs, func(sign string) bool { return strings.Contains(text, sign) })
		return !about
	})
	return about
}

// databaseSigns are parts of errors of pgx and PostgreSQL that are about an outage: SQLSTATEs (PostgreSQL's manual, Appendix A) and
// failed connections.
var databaseSigns = []string{"failed to connect to `", "SQLSTATE 08", "SQLSTATE 53", "SQLSTATE 57P", "SQLSTATE 25006"}

// riverSigns are the same for River, which uses nothing but the database, and logs some errors as texts.
var riverSigns = append([]string{"conn closed", "closed network connection", "deadline exceeded", "timeout", "timed out",
	"connection refused", "connection reset", "broken pipe", "EOF"}, databaseSigns...)

// river is the name of the component that all packages of River are.
const river = "river"

// componentOf returns the package of a line, such as jobs. All packages of River are one component.
func componentOf(pc uintptr) string {
	frame, _ := runtime.CallersFrames([]uintptr{pc}).Next()
	if strings.HasPrefix(frame.Function, "github.com/riverqueue/") {
		return river
	}
	folder, name, _ := strings.Cut(frame.Function[strings.LastIndex(frame.Function, "/")+1:], ".")
	if name == "" {
		return frame.Function
	}
	return folder
}
