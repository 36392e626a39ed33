package proxy

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/netutil"

	"legwork/internal/goroutine"
	"legwork/internal/page"
)

// Config configures a proxy. The zero value of a field means its default.
type Config struct {
	Listen    string // address to listen on; default 127.0.0.1:0, a free port that only this machine can reach
	Advertise string // host name of the proxy for a browser on another machine; default: the host of Listen

	AllowNets []netip.Prefix           // networks that are allowed on any port, although they are not public
	Refuse    func(host string) string // returns why a host must not be opened, or an empty string; nil allows all hosts
	Resolver  *net.Resolver            // nil means the system's resolver
	Confine   func(*net.Dialer)        // restricts connections further, after all other rules, in tests; nil means no further restriction

	MaxConns  int           // simultaneous connections from browsers; further ones wait; default 512
	MaxHeader int           // bytes of a request's header; a response may have four times as many; default 64 KiB
	MaxBytes  int64         // bytes in both directions of one connection to the web; default 256 MiB
	Idle      time.Duration // time without traffic after which a connection is closed; default 60 s
	MaxAge    time.Duration // greatest age of a connection to the web, and of a request; default 10 min

	Logger *slog.Logger // nil means no log
}

func (c *Config) complete() {
	c.Listen = cmp.Or(c.Listen, "127.0.0.1:0")
	c.MaxConns = cmp.Or(c.MaxConns, 512)
	c.MaxHeader = cmp.Or(c.MaxHeader, 64<<10)
	c.MaxBytes = cmp.Or(c.MaxBytes, 256<<20)
	c.Idle = cmp.Or(c.Idle, time.Minute)
	c.MaxAge = cmp.Or(c.MaxAge, 10*time.Minute)
	if c.Refuse == nil {
		c.Refuse = func(string) string { return "" }
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
}

// Server is a running proxy. It is safe for concurrent use.
type Server struct {
	cfg            Config
	log            *slog.Logger
	url            string
	user, password string
	authorization  string // the required value of Proxy-Authorization

	dialer   *net.Dialer
	forward  *httputil.ReverseProxy // forwards requests that are not tunnels
	http     *http.Server
	failures failures

	ctx    context.Context // context of all requests and tunnels
	cancel context.CancelFunc
	mu     sync.Mutex
	closed bool
	active sync.WaitGroup // requests, tunnels and the loop that accepts connections
}

// Start starts a proxy. It runs until Close.
func Start(cfg Config) (*Server, error) {
	cfg.complete()
	ln, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("the browser's proxy cannot listen on %s: %w", cfg.Listen, err)
	}
	s := &Server{cfg: cfg, log: cfg.Logger, user: "legwork", password: rand.Text(), url: "http://" + ln.Addr().String()}
	s.authorization = "Basic " + base64.StdEncoding.EncodeToString([]byte(s.user+":"+s.password))
	if at, ok := ln.Addr().(*net.TCPAddr); ok && cfg.Advertise != "" {
		s.url = "http://" + net.JoinHostPort(cfg.Advertise, fmt.Sprint(at.Port))
	}
	s.ctx, s.cancel = context.WithCancel(goroutine.LogPanics(context.Background(), s.log))
	s.dialer = page.Dialer(cfg.AllowNets)
	s.dialer.Resolver = cfg.Resolver
	if cfg.Confine != nil {
		cfg.Confine(s.dialer)
	}
	transport := page.Transport(s.dialer)
	transport.DialContext = s.dial
	transport.DisableCompression = true // so that bodies are forwarded unchanged
	transport.ForceAttemptHTTP2 = false // TLS goes through tunnels, so only plain HTTP/1 is forwarded here
	transport.MaxResponseHeaderBytes = 4 * int64(cfg.MaxHeader)
	transport.ResponseHeaderTimeout = cfg.Idle
	s.forward = &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.Out.Host = r.Out.URL.Host },
		Transport:     transport,
		FlushInterval: -1,
		ErrorHandler:  func(w http.ResponseWriter, r *http.Request, err error) { s.fail(w, r, r.URL.Host, err) },
		ErrorLog:      slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	s.http = &http.Server{
		Handler:                      http.HandlerFunc(s.serve),
		DisableGeneralOptionsHandler: true,
		ReadHeaderTimeout:            cfg.Idle,
		IdleTimeout:                  cfg.Idle,
		MaxHeaderBytes:               cfg.MaxHeader,
		ErrorLog:                     slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		BaseContext:                  func(net.Listener) context.Context { return s.ctx },
	}
	s.active.Add(1)
	goroutine.Go(s.ctx, func() {
		defer s.active.Done()
		_ = s.http.Serve(netutil.LimitListener(ln, cfg.MaxConns))
	})
	return s, nil
}

// URL returns the proxy's address for a browser, http://host:port, without credentials.
func (s *Server) URL() string { return s.url }

// Credentials returns the user and password that each request must have. The proxy answers requests without them with status 407.
func (s *Server) Credentials() (user, password string) { return s.user, s.password }

// Close ends all requests and tunnels and waits for them. It may be called twice.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	err := s.http.Close()
	s.active.Wait()
	if t, ok := s.forward.Transport.(*http.Transport); ok {
		t.CloseIdleConnections()
	}
	return err
}

// enter registers a request, so that Close waits for it. It returns false if the proxy is closed.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.active.Add(1)
	}
	return !s.closed
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if !s.enter() {
		return
	}
	defer s.active.Done()
	end := time.Now().Add(s.cfg.MaxAge)
	rc := http.NewResponseController(w)
	_, _ = rc.SetReadDeadline(end), rc.SetWriteDeadline(end)
	if subtle.ConstantTimeCompare([]byte(r.Header.Get("Proxy-Authorization")), []byte(s.authorization)) != 1 {
		w.Header().Set("Proxy-Authenticate", `Basic realm="legwork", charset="UTF-8"`)
		http.Error(w, "This proxy serves one browser only.", http.StatusProxyAuthRequired)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), s.cfg.MaxAge)
	defer cancel()
	u, err := target(r)
	if err != nil {
		s.log.DebugContext(ctx, "the proxy refuses a request", "method", r.Method, "target", r.RequestURI, "error", err)
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	if why := s.cfg.Refuse(u.Host); why != "" {
		s.failures.note(address(u), &refusal{why})
		s.fail(w, r, u.Host, &refusal{why})
		return
	}
	if r.Method == http.MethodConnect {
		s.tunnel(ctx, w, r, u)
		return
	}
	r.URL.Host = u.Host // the host in its normal form
	s.forward.ServeHTTP(w, r.WithContext(ctx))
}

// target returns the scheme and host of a request. The error is a sentence for one of these reasons: the request is not meant for a proxy,
// its URL has user information, or its scheme is not http.
func target(r *http.Request) (*url.URL, error) {
	raw := "http://" + r.RequestURI + "/"
	if r.Method != http.MethodConnect {
		switch {
		case !r.URL.IsAbs() || r.URL.Opaque != "":
			return nil, errors.New("This is a proxy, not a server.")
		case !strings.EqualFold(r.URL.Scheme, "http"):
			return nil, fmt.Errorf("The proxy does not speak %q; use CONNECT.", r.URL.Scheme)
		case r.URL.User != nil:
			return nil, errors.New("The proxy opens no URLs with a user.")
		}
		raw = "http://" + r.URL.Host + "/"
	} else if _, port, err := net.SplitHostPort(r.RequestURI); err != nil || port == "" || r.RequestURI != r.URL.Host {
		return nil, errors.New("CONNECT needs host:port.")
	}
	u, err := page.ParseURL(raw)
	if err != nil {
		return nil, fmt.Errorf("The proxy cannot open this: %w.", err)
	}
	return u, nil
}

// address returns the host:port to connect to for u.
func address(u *url.URL) string {
	port := u.Port()
	switch {
	case port == "" && u.Scheme == "https":
		port = "443"
	case port == "":
		port = "80"
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// dial opens a connection to the web, with limits on its idle time, age and bytes.
func (s *Server) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := s.dialer.DialContext(ctx, network, addr)
	if err != nil {
		s.failures.note(addr, err)
		return nil, err
	}
	s.failures.clear(addr)
	return newBounded(conn, s.cfg), nil
}

// fail answers a request that could not be forwarded: 403 if the rules refused it, else 502.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, host string, err error) {
	status, text := http.StatusBadGateway, "The server could not be reached."
	if no, ok := errors.AsType[*refusal](err); ok {
		status, text = http.StatusForbidden, no.why
	} else if page.Refused(err) {
		status, text = http.StatusForbidden, "The address or port is not one that may be opened."
	}
	s.log.DebugContext(r.Context(), "the proxy could not forward a request", "method", r.Method, "host", host, "status", status, "error", err)
	http.Error(w, text, status)
}

// refusal is the error for a host that Config.Refuse refuses.
type refusal struct{ why string }

// Error implements error.
func (r *refusal) Error() string { return r.why }
