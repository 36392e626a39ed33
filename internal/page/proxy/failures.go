package proxy

import (
	"errors"
	"net/url"
	"slices"
	"sync"

	"legwork/internal/page"
	"legwork/internal/research"
)

// maxFailures is how many addresses with a failed connection are remembered.
const maxFailures = 256

// failures remembers the last error of each address to which the last connection failed. When there are too many, the one
// that failed the longest ago is forgotten.
type failures struct {
	mu      sync.Mutex
	order   []string
	last    map[string]error
	refused int
}

func (t *failures) note(addr string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if refused(err) {
		t.refused++
	}
	t.drop(addr)
	if len(t.order) >= maxFailures {
		t.drop(t.order[0])
	}
	if t.last == nil {
		t.last = map[string]error{}
	}
	t.order, t.last[addr] = append(t.order, addr), err
}

func (t *failures) clear(addr string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.drop(addr)
}

func (t *failures) drop(addr string) {
	if _, known := t.last[addr]; known {
		delete(t.last, addr)
		t.order = slices.DeleteFunc(t.order, func(a string) bool { return a == addr })
	}
}

func refused(err error) bool {
	_, ok := errors.AsType[*refusal](err)
	return ok || page.Refused(err)
}

// Refused lists the addresses, as host:port, to which the rules refused the last connection: not public, a port that may
// not be opened, or a host that Config.Refuse forbids. Only the last 256 failures are remembered.
func (s *Server) Refused() []string {
	t := &s.failures
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

// Refusals is how many connections the rules have refused since the start.
func (s *Server) Refusals() int {
	s.failures.mu.Lock()
	defer s.failures.mu.Unlock()
	return s.failures.refused
}

// Explain returns why the last connection to the host and port of u failed: the outcome and the message for a visit. The
// outcome is empty when it did not fail, or when there was none. The browser itself only learns that a tunnel failed.
func (s *Server) Explain(u *url.URL) (research.Outcome, string) {
	s.failures.mu.Lock()
	err := s.failures.last[address(u)]
	s.failures.mu.Unlock()
	if no, ok := errors.AsType[*refusal](err); ok {
		return research.OutcomePolicy, no.why
	}
	if err == nil {
		return "", ""
	}
	return page.Classify(err, u)
}
