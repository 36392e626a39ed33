package browser

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"legwork/internal/retry"

	"github.com/chromedp/chromedp/remote"
)

// devtools is the start of the path of the WebSocket that controls a Chromium. A random name follows in the path; it changes at each start.
const devtools = "/devtools/browser/"

// answerTime bounds the time that a Chromium takes to answer a simple request.
const answerTime = 10 * time.Second

// connect returns chromedp's allocator for the running Chromium at the address of BROWSER.
func connect(ctx context.Context, at string) (context.Context, context.CancelFunc, error) {
	lookup, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	u, err := endpoint(lookup, at)
	if err != nil {
		return nil, nil, fmt.Errorf("reach the Chromium at %s: %w", at, err)
	}
	alloc, end := remote.NewAllocator(context.WithoutCancel(ctx), u.String(), remote.NoModifyURL, remote.WithDialTimeout(answerTime))
	return alloc, end, nil
}

// endpoint returns the address of the WebSocket that controls the Chromium at an address. If the given address does not contain the
// WebSocket's path, endpoint requests it from Chromium's /json/version. The host and port in that answer are ignored, since they are wrong
// if Chromium's port is mapped.
func endpoint(ctx context.Context, at string) (*url.URL, error) {
	u, err := url.Parse(at)
	if err != nil {
		return nil, err
	}
	secure := u.Scheme == "wss" || u.Scheme == "https"
	if u.Port() == "" {
		port := "80"
		if secure {
			port = "443"
		}
		u.Host = net.JoinHostPort(u.Hostname(), port)
	}
	if !secure { // Chromium refuses host names in the Host header; with TLS the name must match the certificate
		if u.Host, err = numeric(ctx, u.Hostname(), u.Port()); err != nil {
			return nil, err
		}
	}
	if !strings.Contains(u.Path, devtools) {
		if u.Path, err = ask(ctx, *u, secure); err != nil {
			return nil, err
		}
	}
	u.Scheme = "ws"
	if secure {
		u.Scheme = "wss"
	}
	return u, nil
}

// numeric resolves a host to an IP address, because Chromium refuses host names in the Host header.
func numeric(ctx context.Context, host, port string) (string, error) {
	if net.ParseIP(host) == nil && host != "localhost" { // Chromium also accepts localhost
		addresses, err := net.DefaultResolver.LookupHost(ctx, host)
		if err != nil {
			return "", err
		}
		host = addresses[0]
	}
	return net.JoinHostPort(host, port), nil
}

// ask asks Chromium for the path of its WebSocket.
func ask(ctx context.Context, u url.URL, secure bool) (path string, err error) {
	u.Scheme, u.Path = "http", "/json/version"
	if secure {
		u.Scheme = "https"
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return "", err
	}
	transport := &http.Transport{DisableKeepAlives: true} // this transport uses no proxy
	resp, err := transport.RoundTrip(r)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	var told struct {
		Address string `json:"webSocketDebuggerUrl"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(&told); err != nil || resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s answers %s, not as a Chromium with --remote-debugging-port does", u.Redacted(), resp.Status)
	}
	address, err := url.Parse(told.Address)
	if err != nil || !strings.Contains(address.Path, devtools) {
		return "", errors.New(u.Redacted() + " names no WebSocket of a Chromium")
	}
	return address.Path, nil
}

// Reached returns p with the address at which the Chromium at the address at reaches this machine: the local address of the way
// to that Chromium. It is looked up for each session, because containers and their networks change. While the name of the
// Chromium cannot be resolved, p's own address is returned.
func Reached(p Proxy, at string) Proxy { return reached{Proxy: p, at: at} }

type reached struct {
	Proxy
	at string
}

// URL implements Proxy.
func (r reached) URL() string {
	own := r.Proxy.URL()
	proxy, err := url.Parse(own)
	if err != nil {
		return own
	}
	at, err := url.Parse(r.at)
	if err != nil {
		return own
	}
	// A socket for UDP sends nothing when it is opened; the kernel only chooses its local address.
	dialer := net.Dialer{Timeout: time.Second}
	way, err := dialer.DialContext(context.Background(), "udp", net.JoinHostPort(at.Hostname(), "9"))
	if err != nil {
		return own
	}
	defer func() { _ = way.Close() }()
	if local, ok := way.LocalAddr().(*net.UDPAddr); ok {
		proxy.Host = net.JoinHostPort(local.IP.String(), proxy.Port())
	}
	return proxy.String()
}

// revive tries to reach a lost remote Chromium until it succeeds, since nobody reports when the Chromium was restarted. A local Chromium
// needs no revive: it is started for the next page.
func (b *Browser) revive() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !isAddress(b.cfg.At) || b.closed || b.reviving {
		return
	}
	b.reviving = true
	b.ended.Go(b.base, func() {
		for b.look() {
		}
	})
}

// look tries once to reach the remote Chromium, if the pause after the last try is over. It reports whether to try again.
func (b *Browser) look() bool {
	b.mu.Lock()
	wait := time.Until(b.notUntil)
	b.mu.Unlock()
	if retry.Wait(b.base, wait) != nil {
		return false
	}
	b.mu.Lock()
	if b.closed || b.current != nil && !b.current.dead() {
		b.reviving = false
		b.mu.Unlock()
		return false
	}
	starting := b.begin()
	b.mu.Unlock()
	<-starting
	return true
}
