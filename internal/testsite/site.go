// Package testsite is a small web site on loopback for tests: the documentation of a kettle that does not exist, and paths that misbehave as real
// servers do. It records all requests and can delay answers, so that tests wait for events and never for a fixed time.
//
// A fetcher must be allowed to open the network 127.0.0.0/8.
package testsite

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// Request is one request that reached the site.
type Request struct {
	Method    string
	Path      string // without the query
	Query     string
	Host      string
	UserAgent string
	At        time.Time
}

// Site is a running site. Its methods may be called from any goroutine.
type Site struct {
	server *httptest.Server
	closed chan struct{} // closed at the end; ends delayed and slow answers

	mu       sync.Mutex
	arrived  *sync.Cond // signalled when a request was recorded or a waiter stopped waiting
	pages    map[string]http.HandlerFunc
	held     map[string]chan struct{}
	failures map[string]int // number of failures, by the query of /flaky
	requests []Request
}

// Start starts a site, which is stopped when the test ends.
func Start(t testing.TB) *Site {
	t.Helper()
	return StartOn(t, "127.0.0.1")
}

// StartOn starts a site on a loopback address such as 127.0.0.2. Sites on different addresses are different domains.
func StartOn(t testing.TB, address string) *Site {
	t.Helper()
	s := &Site{closed: make(chan struct{}), pages: map[string]http.HandlerFunc{}, held: map[string]chan struct{}{}, failures: map[string]int{}}
	s.arrived = sync.NewCond(&s.mu)
	s.library()
	s.faults()
	s.engines()
	s.scripts()
	listener, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		t.Fatal(err)
	}
	s.server = &httptest.Server{Listener: listener, Config: &http.Server{Handler: http.HandlerFunc(s.serve), ReadHeaderTimeout: time.Minute}}
	s.server.Start()
	t.Cleanup(func() {
		close(s.closed)
		s.server.CloseClientConnections()
		s.server.Close()
	})
	return s
}

// URL returns the absolute URL of a path of the site.
func (s *Site) URL(path string) string { return s.server.URL + path }

// Host returns the site's host and port.
func (s *Site) Host() string {
	u, _ := url.Parse(s.server.URL)
	return u.Host
}

// Handle adds or replaces the handler of a path.
func (s *Site) Handle(path string, h http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pages[path] = h
}

// Page adds or replaces an HTML page, which is served unchanged.
func (s *Site) Page(path, html string) {
	s.Handle(path, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(html))
	})
}

// Hold delays requests for path until release is called, the client disconnects, or the test ends. A delayed request is already recorded. release may
// be called more than once.
func (s *Site) Hold(path string) (release func()) {
	gate := make(chan struct{})
	s.mu.Lock()
	s.held[path] = gate
	s.mu.Unlock()
	return sync.OnceFunc(func() {
		s.mu.Lock()
		if s.held[path] == gate {
			delete(s.held, path)
		}
		s.mu.Unlock()
		close(gate)
	})
}

// Requests lists the requests so far, in the order of their arrival.
func (s *Site) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

// Count returns how often path was requested.
func (s *Site) Count(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count(path)
}

func (s *Site) count(path string) int {
	n := 0
	for _, r := range s.requests {
		if r.Path == path {
			n++
		}
	}
	return n
}

// WaitFor returns when path was requested at least n times. It returns an error if ctx ends first.
func (s *Site) WaitFor(ctx context.Context, path string, n int) error {
	defer context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.arrived.Broadcast()
	})()
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.count(path) < n {
		if ctx.Err() != nil {
			return fmt.Errorf("%s was requested %d times, not %d: %w", path, s.count(path), n, ctx.Err())
		}
		s.arrived.Wait()
	}
	return nil
}

func (s *Site) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests = append(s.requests, Request{Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Host: r.Host, UserAgent: r.UserAgent(), At: time.Now()})
	s.arrived.Broadcast()
	handler, gate := s.find(r.URL.Path), s.held[r.URL.Path]
	s.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-r.Context().Done():
			return
		case <-s.closed:
			return
		}
	}
	handler(w, r)
}

// find returns the handler of a path, or else the handler of the longest prefix that ends in a slash.
func (s *Site) find(path string) http.HandlerFunc {
	if h, ok := s.pages[path]; ok {
		return h
	}
	for dir := path; dir != ""; {
		i := strings.LastIndexByte(strings.TrimSuffix(dir, "/"), '/')
		if i <= 0 {
			break
		}
		dir = path[:i+1]
		if h, ok := s.pages[dir+"*"]; ok {
			return h
		}
	}
	return notFound
}

func notFound(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(http.StatusNotFound)
	_, _ = w.Write([]byte("<!DOCTYPE html><title>Not found</title><h1>Not found</h1><p>There is no such page in the manual."))
}
