package proxy

import (
	"errors"
	"net/url"
	"slices"
	"sync"

	"legwork/internal/page"
	"legwork/internal/research"
)

// maxTroubles bounds how many addresses are remembered.
const maxTroubles = 256

// troubles remembers the addresses that could not be reached, the oldest forgotten first.
type troubles struct {
	mu      sync.Mutex
	order   []string
	last    map[string]error
	refused int
}

func (t *troubles) note(addr string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if refused(err) {
		t.refused++
	}
	t.drop(addr)
	if len(t.order) >= maxTroubles {
		t.drop(t.order[0])
	}
	if t.last == nil {
		t.last = map[string]error{}
	}
	t.order, t.last[addr] = append(t.order, addr), err
}

func (t *troubles) clear(addr string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.drop(addr)
}

func (t *troubles) drop(addr string) {
	if _, known := t.last[addr]; known {
		delete(t.last, addr)
		t.order = slices.DeleteFunc(t.order, func(a string) bool { return a == addr })
	}
}

func refused(err error) bool {
	_, ok := errors.AsType[*refusal](err)
	return ok || page.Refused(err)
}

// Refused lists the addresses (host:port as they were asked for) whose last connection was refused by the rules: not
// public, a port that is not opened, or a host that Config.Refuse forbids. The oldest are forgotten beyond 256.
func (s *Server) Refused() []string {
	t := &s.trouble
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []string
	for _, addr := range t.order {
		if refused(t.last[addr]) {
			out = append(out, addr)
		}
	}
	return out
}

// Refusals counts the connections that were refused by the rules since the start.
func (s *Server) Refusals() int {
	s.trouble.mu.Lock()
	defer s.trouble.mu.Unlock()
	return s.trouble.refused
}

// Explain says why the last connection to the host and port of u failed, as a visit tells it; the empty outcome: it did
// not fail, or there was none. A browser knows of a tunnel only that it failed.
func (s *Server) Explain(u *url.URL) (research.Outcome, string) {
	s.trouble.mu.Lock()
	err := s.trouble.last[address(u)]
	s.trouble.mu.Unlock()
	if no, ok := errors.AsType[*refusal](err); ok {
		return research.OutcomePolicy, no.why
	}
	if err == nil {
		return "", ""
	}
	return page.Classify(err, u)
}
