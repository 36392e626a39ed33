package proxy

import (
	"errors"
	"net/url"
	"slices"
	"sync"

	"legwork/internal/page"
	"legwork/internal/research"
)

// maxFailures is the greatest number of addresses whose last error is stored.
const maxFailures = 256

// failures has, for each address whose last connection failed, the error. When it is full, the oldest error is dropped.
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

// Refused returns the addresses, as host:port, to which the rules refused the last connection: an address that is not public, a port that
// is not allowed, or a host that Config.Refuse refuses. Only the last 256 failures are stored.
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

// Refusals returns the number of connections that the rules have refused since the start.
func (s *Server) Refusals() int {
	s.failures.mu.Lock()
	defer s.failures.mu.Unlock()
	return s.failures.refused
}

// Explain returns why the last connection to the host and port of u failed, as the outcome and message of a visit. The outcome is empty if
// the connection did not fail, or if there was none. Explain is needed because the browser learns only that a tunnel failed.
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
