package proxy

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"legwork/internal/research"
	"legwork/internal/testsite"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}

// start starts a proxy that allows 127.0.0.1 only. All other loopback addresses count as private.
func start(t testing.TB, change func(*Config)) *Server {
	t.Helper()
	fence := testsite.StartFence(t)
	cfg := Config{AllowNets: loopback, Confine: fence.Confine}
	if change != nil {
		change(&cfg)
	}
	s, err := Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// client returns an HTTP client that uses the proxy s.
func client(t testing.TB, s *Server) *http.Client {
	t.Helper()
	u, err := url.Parse(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(s.Credentials())
	transport := &http.Transport{Proxy: http.ProxyURL(u), TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// raw sends text to the proxy, with credentials in place of AUTH. It returns the connection and the header of the response.
func raw(t testing.TB, s *Server, text string) (net.Conn, *bufio.Reader, *http.Response) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	text = strings.ReplaceAll(text, "AUTH", "Proxy-Authorization: "+s.authorization)
	if _, err := io.WriteString(conn, strings.ReplaceAll(text, "\n", "\r\n")); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(conn)
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		return conn, r, nil
	}
	return conn, r, resp
}

// secret starts a server to which nobody may connect. connections is the number of connections to it.
func secret(t testing.TB, addr string) (port string, connections *atomic.Int64) {
	t.Helper()
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	connections = new(atomic.Int64)
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nsecret")
			_ = conn.Close()
		}
	}()
	_, port, _ = net.SplitHostPort(ln.Addr().String())
	return port, connections
}

func TestPlainAndTunnel(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	c := client(t, s)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Connection", "X-Hop")
		w.Header().Set("X-Hop", "1")
		w.Header().Set("X-End", "1")
		for name := range r.Header {
			if strings.HasPrefix(name, "Proxy") || strings.HasPrefix(name, "X-Forwarded") || name == "Keep-Alive" || name == "X-Private" {
				t.Errorf("%s arrived", name)
			}
		}
		fmt.Fprintf(w, "%s %s %s %s", r.Method, r.Host, r.URL.RequestURI(), body)
	})
	plain, secure := httptest.NewServer(handler), httptest.NewTLSServer(handler)
	defer plain.Close()
	defer secure.Close()
	for _, site := range []string{plain.URL, secure.URL} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, site+"/a%2Fb?c=%20", strings.NewReader("body"))
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(site, "http:") {
			req.Header.Set("Connection", "X-Private")
			req.Header.Set("X-Private", "1")
			req.Header.Set("Keep-Alive", "timeout=5")
			req.Header.Set("X-Forwarded-For", "10.0.0.1")
		}
		resp, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		host := strings.TrimPrefix(strings.TrimPrefix(site, "https://"), "http://")
		if want := "POST " + host + " /a%2Fb?c=%20 body"; string(body) != want || resp.Header.Get("X-End") != "1" {
			t.Errorf("%s: %q, want %q; %v", site, body, want, resp.Header)
		}
		if strings.HasPrefix(site, "http:") && resp.Header.Get("X-Hop") != "" {
			t.Error("a hop-by-hop header of the response passed")
		}
	}
	if n := s.Refusals(); n != 0 || len(s.Refused()) != 0 {
		t.Errorf("%d refused: %v", n, s.Refused())
	}
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	s, other := start(t, nil), start(t, nil)
	_, a := s.Credentials()
	if _, b := other.Credentials(); a == b || len(a) < 20 {
		t.Errorf("passwords %q and %q", a, b)
	}
	port, connections := secret(t, "127.0.0.1:0") // the proxy may connect to this address, but must refuse the requests below
	for _, auth := range []string{"", "Proxy-Authorization: Basic bGVnd29yazo=\n", "Proxy-Authorization: " + other.authorization + "\n", "Authorization: " + s.authorization + "\n", "Proxy-Authorization: Bearer x\n"} {
		for _, line := range []string{"GET http://127.0.0.1:" + port + "/", "CONNECT 127.0.0.1:" + port} {
			_, _, resp := raw(t, s, line+" HTTP/1.1\nHost: x\n"+auth+"\n")
			if resp == nil || resp.StatusCode != http.StatusProxyAuthRequired || !strings.HasPrefix(resp.Header.Get("Proxy-Authenticate"), "Basic ") {
				t.Errorf("%s with %q: %v", line, auth, resp)
			}
		}
	}
	if n := connections.Load(); n != 0 {
		t.Errorf("%d connections without credentials", n)
	}
}

// TestAttacks asks for a forbidden server in every spelling of its address. The server must get no connection.
func TestAttacks(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	port, connections := secret(t, "127.0.0.2:0")
	six, sixConnections := secret(t, "[::1]:0")
	allowed, _ := secret(t, "127.0.0.1:0")
	for _, host := range []string{
		"127.0.0.2:" + port, "127.2:" + port, "127.0.2:" + port, "2130706434:" + port, "0x7f000002:" + port, "0x7f.2:" + port,
		"0177.0.0.02:" + port, "017700000002:" + port, "[::ffff:127.0.0.2]:" + port, "[::ffff:7f00:2]:" + port, "[::127.0.0.2]:" + port,
		"[64:ff9b::7f00:2]:" + port, "[2002:7f00:2::]:" + port, "[::1]:" + six, "[0:0:0:0:0:0:0:1]:" + six, "[::]:" + six, "[::1%25lo]:" + six,
		"localhost:" + six, "LOCALHOST.:" + port, "127.0.0.2.:" + port, "127。0。0。2:" + port, "①②⑦.0.0.2:" + port, "127.0.0.2%00.example.com:" + port,
		"127.0.0.1:" + allowed + "@127.0.0.2:" + port, "user@127.0.0.2:" + port, "user:pass@127.0.0.1:" + allowed, "127.0.0.2:" + port + "#@127.0.0.1",
		"169.254.169.254", "169.254.169.254:80", "[fd00:ec2::254]", "[fe80::a9fe:a9fe]", "168.63.129.16", "100.100.100.200", "192.0.0.192",
		"metadata.google.internal:80", "10.0.0.1", "192.168.0.1", "172.16.0.1", "0.0.0.0:" + port, "0:" + port, "224.0.0.1", "255.255.255.255",
		"8.8.8.8:22", "8.8.8.8:25", "8.8.8.8:6379", "8.8.8.8:0", "8.8.8.8:99999", "8.8.8.8:-1", ":80", "", "/etc/passwd",
	} {
		for _, line := range []string{"CONNECT " + host, "GET http://" + host + "/", "GET http://" + host + "/ with upgrade"} {
			head := "\nHost: 127.0.0.1:" + allowed + "\nAUTH\n\n"
			if what, ok := strings.CutSuffix(line, " with upgrade"); ok {
				line, head = what, "\nHost: 127.0.0.1:"+allowed+"\nConnection: upgrade\nUpgrade: websocket\nAUTH\n\n"
			}
			_, _, resp := raw(t, s, line+" HTTP/1.1"+head)
			if resp == nil || resp.StatusCode < 400 {
				t.Errorf("%s: %v", line, resp)
			}
		}
	}
	for _, line := range []string{"GET /", "GET *", "OPTIONS *", "GET https://127.0.0.1:" + allowed + "/", "GET ftp://127.0.0.1:" + allowed + "/",
		"GET http:127.0.0.1:" + allowed, "GET file:///etc/passwd", "GET //127.0.0.1:" + allowed + "/", "CONNECT http://127.0.0.1:" + allowed + "/", "CONNECT 127.0.0.1", "CONNECT /"} {
		_, _, resp := raw(t, s, line+" HTTP/1.1\nHost: 127.0.0.1:"+allowed+"\nAUTH\n\n")
		if resp == nil || resp.StatusCode < 400 {
			t.Errorf("%s: %v", line, resp)
		}
	}
	if a, b := connections.Load(), sixConnections.Load(); a != 0 || b != 0 {
		t.Errorf("%d and %d connections to private addresses", a, b)
	}
	if n := s.Refusals(); n < 50 {
		t.Errorf("only %d were refused: %v", n, s.Refused())
	}
}

// TestSmuggling: if servers could read a request as two requests, the proxy never forwards it so that it is read as two.
func TestSmuggling(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		body, err := io.ReadAll(r.Body)
		if strings.Contains(r.URL.Path, "smuggled") {
			t.Errorf("the smuggled request arrived: %v", r)
		}
		fmt.Fprintf(w, "%d %v", len(body), err)
	}))
	defer site.Close()
	s := start(t, nil)
	for name, tt := range map[string]struct{ headers, body string }{
		"two lengths":            {"Content-Length: 4\nContent-Length: 70\n", "0\n\nGET /smuggled HTTP/1.1\nHost: x\n\n"},
		"length and chunks":      {"Content-Length: 4\nTransfer-Encoding: chunked\n", "0\n\nGET /smuggled HTTP/1.1\nHost: x\n\n"},
		"chunks, spelled":        {"Transfer-Encoding: xchunked\n", "0\n\nGET /smuggled HTTP/1.1\nHost: x\n\n"},
		"chunks twice":           {"Transfer-Encoding: chunked\nTransfer-Encoding: identity\n", "0\n\nGET /smuggled HTTP/1.1\nHost: x\n\n"},
		"a space before a colon": {"Content-Length : 60\n", "GET /smuggled HTTP/1.1\nHost: x\n\n"},
		"a folded header":        {"X-A: b\n Content-Length: 60\n", "GET /smuggled HTTP/1.1\nHost: x\n\n"},
		"two hosts":              {"Host: 127.0.0.2\n", ""},
		"a control character":    {"X-A: b\rGET /smuggled HTTP/1.1\n", ""},
		"length made a hop":      {"Connection: Content-Length\nContent-Length: 4\n", "body"},
	} {
		conn, r, resp := raw(t, s, "POST "+site.URL+"/ HTTP/1.1\nHost: 127.0.0.2\nAUTH\n"+tt.headers+"\n"+tt.body)
		for resp != nil { // reads all responses
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
			var err error
			if resp, err = http.ReadResponse(r, nil); err != nil {
				break
			}
		}
		t.Logf("%s: %d requests so far", name, asked.Load())
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	s := start(t, func(c *Config) {
		c.Refuse = func(host string) string {
			if strings.HasSuffix(host, "denied.example:80") || host == "denied.example" {
				return "denied.example is never opened."
			}
			return ""
		}
	})
	c := client(t, s)
	for raw, want := range map[string]research.Outcome{
		"http://127.0.0.2/a": research.OutcomeNetwork, "https://127.0.0.2/b": research.OutcomeNetwork,
		"http://127.0.0.2:81/": research.OutcomeNetwork, "http://does-not-exist.invalid/": research.OutcomeDNS,
		"https://does-not-exist.invalid/": research.OutcomeDNS, "http://denied.example/": research.OutcomePolicy, gone.URL: research.OutcomeConnection,
	} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := c.Get(raw)
		switch {
		case u.Scheme == "https" && err == nil:
			t.Errorf("%s was tunnelled", raw)
		case u.Scheme == "http" && (err != nil || resp.StatusCode != map[bool]int{true: 403, false: 502}[want == research.OutcomeNetwork || want == research.OutcomePolicy]):
			t.Errorf("%s: %v %v", raw, resp, err)
		}
		if err == nil {
			_ = resp.Body.Close()
		}
		if got, sentence := s.Explain(u); got != want || !strings.HasSuffix(sentence, ".") {
			t.Errorf("%s: %s %q, want %s", raw, got, sentence, want)
		}
	}
	if got := strings.Join(s.Refused(), " "); strings.Count(got, ":") != 4 || !strings.Contains(got, "denied.example:80") || !strings.Contains(got, "127.0.0.2:443") {
		t.Errorf("refused: %s", got)
	}
	back, err := net.Listen("tcp", strings.TrimPrefix(gone.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	gone = &httptest.Server{Listener: back, Config: &http.Server{Handler: http.NotFoundHandler()}}
	gone.Start()
	defer gone.Close()
	if resp, err := c.Get(gone.URL); err != nil || resp.StatusCode != 404 {
		t.Errorf("%v %v", resp, err)
	} else {
		_ = resp.Body.Close()
	}
	u, _ := url.Parse(gone.URL)
	if got, _ := s.Explain(u); got != "" {
		t.Errorf("after success: %s", got)
	}
	for i := range 2 * maxFailures {
		s.failures.note(fmt.Sprintf("host%d:80", i), errors.New("x"))
	}
	if len(s.failures.last) != maxFailures || len(s.failures.order) != maxFailures {
		t.Errorf("%d and %d remembered", len(s.failures.last), len(s.failures.order))
	}
}

// TestBoundsOfAConnection checks the limits of a connection with a fake clock, over a pipe.
func TestBoundsOfAConnection(t *testing.T) {
	t.Parallel()
	cfg := Config{Idle: 10 * time.Second, MaxAge: time.Minute, MaxBytes: 100}
	for name, tt := range map[string]struct {
		every time.Duration // interval between two writes
		each  int           // bytes of each write
		ends  time.Duration
	}{
		"silent":   {time.Hour, 1, 10 * time.Second},
		"too old":  {9 * time.Second, 1, time.Minute},
		"too much": {time.Second, 30, 4 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near, far := net.Pipe()
				defer func() { _ = far.Close() }()
				b := newBounded(near, cfg)
				began := time.Now()
				ended := make(chan struct{})
				go func() {
					_, _ = io.Copy(io.Discard, struct{ io.Reader }{b})
					_ = b.Close()
					close(ended)
				}()
				tick := time.NewTicker(tt.every)
				defer tick.Stop()
				for {
					select {
					case <-tick.C:
						_, _ = far.Write(make([]byte, tt.each))
						continue
					case <-ended:
					}
					break
				}
				if took := time.Since(began); took != tt.ends {
					t.Errorf("ended after %v, want %v", took, tt.ends)
				}
			})
		})
	}
}

func TestBoundsOfRequests(t *testing.T) {
	t.Parallel()
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/heads" {
			for i := range 100 {
				w.Header().Set(fmt.Sprint("X-", i), strings.Repeat("x", 1000))
			}
		}
		_, _ = io.Copy(w, io.LimitReader(endless{}, 1<<20))
	}))
	defer site.Close()
	s := start(t, func(c *Config) { c.MaxHeader, c.MaxBytes, c.Idle = 4<<10, 512<<10, 10*time.Second })
	c := client(t, s)
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, site.URL, nil)
	req.Header.Set("X-Large", strings.Repeat("x", 20<<10))
	if resp, err := c.Do(req); err != nil || resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a large request header: %v %v", resp, err)
	} else {
		_ = resp.Body.Close()
	}
	if resp, err := c.Get(site.URL + "/heads"); err != nil || resp.StatusCode != http.StatusBadGateway {
		t.Errorf("a large response header: %v %v", resp, err)
	} else {
		_ = resp.Body.Close()
	}
	resp, err := c.Get(site.URL)
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	if err == nil || n > 600<<10 {
		t.Errorf("%d bytes, %v", n, err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// TestTunnelEnds: a tunnel without traffic is closed after a while, and closing the proxy closes all tunnels.
func TestTunnelEnds(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	accepted := make(chan net.Conn, 2)
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			accepted <- conn
		}
	}()
	for _, idle := range []time.Duration{300 * time.Millisecond, time.Hour} {
		s := start(t, func(c *Config) { c.Idle = idle })
		conn, r, resp := raw(t, s, "CONNECT "+ln.Addr().String()+" HTTP/1.1\nHost: x\nAUTH\n\n")
		if resp == nil || resp.StatusCode != 200 {
			t.Fatalf("%v", resp)
		}
		far := <-accepted
		_, _ = conn.Write([]byte("there"))
		b := make([]byte, 5)
		if _, err := io.ReadFull(far, b); err != nil || string(b) != "there" {
			t.Errorf("%q %v", b, err)
		}
		_, _ = far.Write([]byte("again"))
		if _, err := io.ReadFull(r, b); err != nil || string(b) != "again" {
			t.Errorf("%q %v", b, err)
		}
		if idle > time.Minute {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
		if _, err := r.ReadByte(); err == nil || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the tunnel goes on: %v", err)
		}
		_ = far.SetReadDeadline(time.Now().Add(20 * time.Second))
		var timeout net.Error
		if _, err := far.Read(b); err == nil || errors.As(err, &timeout) && timeout.Timeout() {
			t.Errorf("the server's side goes on: %v", err)
		}
		_ = far.Close()
	}
}

// TestHalfClose: when the client has closed its side, the server can still send its answer.
func TestHalfClose(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	go func() {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		all, _ := io.ReadAll(conn)
		_, _ = fmt.Fprintf(conn, "%d bytes", len(all))
		_ = conn.Close()
	}()
	s := start(t, nil)
	conn, r, _ := raw(t, s, "CONNECT "+ln.Addr().String()+" HTTP/1.1\nHost: x\nAUTH\n\nearly data")
	_, _ = conn.Write(make([]byte, 100_000))
	_ = conn.(*net.TCPConn).CloseWrite()
	if answer, err := io.ReadAll(r); string(answer) != "100010 bytes" {
		t.Errorf("%q %v", answer, err)
	}
}

// TestUpgrade: a WebSocket over plain HTTP works, and the proxy's own dialer makes its connection.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, buf, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = conn.Close() }()
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: "+r.Header.Get("Upgrade")+"\r\n\r\n")
		line, _ := buf.ReadString('\n')
		_, _ = io.WriteString(conn, "echo "+line)
	}))
	defer site.Close()
	s := start(t, nil)
	conn, r, resp := raw(t, s, "GET "+site.URL+"/ HTTP/1.1\nHost: x\nConnection: upgrade\nUpgrade: websocket\nAUTH\n\n")
	if resp == nil || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%v", resp)
	}
	_, _ = io.WriteString(conn, "hello\n")
	if line, err := r.ReadString('\n'); line != "echo hello\n" {
		t.Errorf("%q %v", line, err)
	}
}

// TestMaxConns: the number of browser connections is bounded. A waiting connection is served when another one ends.
func TestMaxConns(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *Config) { c.MaxConns = 1 })
	first, _, resp := raw(t, s, "GET http://127.0.0.2/ HTTP/1.1\nHost: x\nAUTH\n\n")
	if resp == nil || resp.StatusCode != 403 {
		t.Fatalf("%v", resp)
	}
	done := make(chan *http.Response)
	go func() {
		_, _, resp := raw(t, s, "GET http://127.0.0.2/ HTTP/1.1\nHost: x\nAUTH\n\n")
		done <- resp
	}()
	select {
	case <-done:
		t.Error("served beside the first")
	case <-time.After(100 * time.Millisecond):
	}
	_ = first.Close()
	if resp := <-done; resp == nil || resp.StatusCode != 403 {
		t.Errorf("%v", resp)
	}
}

func TestAdvertise(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *Config) { c.Advertise = "worker.internal" })
	if !strings.HasPrefix(s.URL(), "http://worker.internal:") {
		t.Error(s.URL())
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("the second time: %v", err)
	}
	if _, err := Start(Config{Listen: "256.0.0.1:0"}); err == nil {
		t.Error("listens on nothing")
	}
}

// FuzzRequest sends any bytes as a request. The private server must never answer, and the proxy must keep working.
func FuzzRequest(f *testing.F) {
	port, connections := secret(f, "127.0.0.2:0")
	s := start(f, func(c *Config) { c.Idle = 200 * time.Millisecond })
	for _, seed := range []string{"CONNECT 127.0.0.2:PORT HTTP/1.1\nHost: a\nAUTH\n\n", "GET http://127.0.0.2:PORT/ HTTP/1.1\nHost: a\nAUTH\n\n", "GET http://u@[::ffff:127.0.0.2]:PORT/ HTTP/1.0\nAUTH\n\n",
		"POST http://0x7f.2:PORT HTTP/1.1\nHost:\nAUTH\nTransfer-Encoding: chunked\n\n0\n\n", "CONNECT 2130706434:PORT HTTP/1.1\nAUTH\nHost: 127.0.0.2:PORT\n\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL(), "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		text = strings.NewReplacer("PORT", port, "AUTH", "Proxy-Authorization: "+s.authorization, "\n", "\r\n").Replace(text)
		_, _ = io.WriteString(conn, text)
		_ = conn.(*net.TCPConn).CloseWrite()
		answer, _ := io.ReadAll(conn)
		if connections.Load() != 0 || strings.Contains(string(answer), "secret") {
			t.Errorf("%q reached the private server: %q", text, answer)
		}
	})
}
