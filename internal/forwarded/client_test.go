package forwarded

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

// behind returns Proxies that trust the networks 10.0.0.0/8 and fd00::/8.
func behind(h Header) Proxies {
	return Proxies{Header: h, Trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}}
}

func TestClientOfXForwardedFor(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, peer string
		lines      []string
		want       string
	}{
		{"no proxy", "203.0.113.7:4000", nil, "203.0.113.7"},
		{"a client that writes the header itself", "203.0.113.7:4000", []string{"198.51.100.1"}, "203.0.113.7"},
		{"one proxy", "10.0.0.1:4000", []string{"203.0.113.7"}, "203.0.113.7"},
		{"a client behind a proxy that writes the header itself", "10.0.0.1:4000", []string{"198.51.100.1, 203.0.113.7"}, "203.0.113.7"},
		{"a client that claims to be a proxy", "10.0.0.1:4000", []string{"198.51.100.1, 10.0.0.9, 203.0.113.7"}, "203.0.113.7"},
		{"two proxies", "10.0.0.1:4000", []string{"198.51.100.1, 203.0.113.7, 10.0.0.2"}, "203.0.113.7"},
		{"two proxies with a line each", "10.0.0.1:4000", []string{"198.51.100.1", "203.0.113.7", "10.0.0.2"}, "203.0.113.7"},
		{"only proxies", "10.0.0.1:4000", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"no header", "10.0.0.1:4000", nil, "10.0.0.1"},
		{"an empty header", "10.0.0.1:4000", []string{""}, "10.0.0.1"},
		{"no address at the end", "10.0.0.1:4000", []string{"203.0.113.7, unknown"}, "10.0.0.1"},
		{"no address behind a proxy", "10.0.0.1:4000", []string{"203.0.113.7, x, 10.0.0.2"}, "10.0.0.2"},
		{"an empty item", "10.0.0.1:4000", []string{"203.0.113.7,"}, "10.0.0.1"},
		{"with a port", "10.0.0.1:4000", []string{"203.0.113.7:55"}, "203.0.113.7"},
		{"IPv6", "[fd00::1]:4000", []string{"2001:db8::7"}, "2001:db8::7"},
		{"IPv6 in brackets", "[fd00::1]:4000", []string{"[2001:db8::7]"}, "2001:db8::7"},
		{"IPv6 with a port", "[fd00::1]:4000", []string{"[2001:db8::7]:55"}, "2001:db8::7"},
		{"IPv4 in IPv6 form", "[::ffff:10.0.0.1]:4000", []string{"::ffff:203.0.113.7"}, "203.0.113.7"},
		{"a zone", "[fe80::1%eth0]:4000", nil, "fe80::1"},
		{"a connection without an address", "@", []string{"203.0.113.7"}, "invalid IP"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := &http.Request{RemoteAddr: tt.peer, Header: http.Header{"X-Forwarded-For": tt.lines, "Forwarded": {"for=198.51.100.99"}}}
			if got := behind(XForwardedFor).Client(r).Address.String(); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestClientOfForwarded(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		lines []string
		want  string
		tls   bool
	}{
		{"one proxy", []string{"for=203.0.113.7"}, "203.0.113.7", false},
		{"all parameters", []string{`by=10.0.0.1; For="203.0.113.7:55" ;proto=https;host="a,b;c"`}, "203.0.113.7", true},
		{"two proxies", []string{`for=198.51.100.1, for=203.0.113.7;proto=https, for=10.0.0.2;proto=http`}, "203.0.113.7", true},
		{"a line each", []string{"for=198.51.100.1", "for=203.0.113.7", "for=10.0.0.2"}, "203.0.113.7", false},
		{"IPv6", []string{`for="[2001:db8::7]:55"`}, "2001:db8::7", false},
		{"IPv6 without quotes", []string{`for=[2001:db8::7]`}, "2001:db8::7", false},
		{"escaped", []string{`for="203\.0.113.7"`}, "203.0.113.7", false},
		{"unknown", []string{"for=203.0.113.7, for=unknown"}, "10.0.0.1", false},
		{"hidden", []string{"for=203.0.113.7, for=_gate, for=10.0.0.2"}, "10.0.0.2", false},
		{"no for", []string{"for=203.0.113.7, proto=https"}, "10.0.0.1", false},
		{"a quote that the client left open", []string{`for=198.51.100.1;x=", for=203.0.113.7`}, "10.0.0.1", false},
		{"a quote that the proxy's own closes", []string{`for=198.51.100.1;x=", for="[2001:db8::7]"`}, "10.0.0.1", false},
		{"a broken line of the client", []string{`for="`, `for=203.0.113.7`}, "203.0.113.7", false},
		{"a broken line before a proxy's", []string{`for="`, `for=10.0.0.2`}, "10.0.0.2", false},
		{"none", nil, "10.0.0.1", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := &http.Request{RemoteAddr: "10.0.0.1:4000", Header: http.Header{"Forwarded": tt.lines, "X-Forwarded-For": {"198.51.100.99"}}}
			got := behind(Standard).Client(r)
			if got.Address.String() != tt.want || got.Secure != tt.tls {
				t.Errorf("got %s, TLS %v; want %s, %v", got.Address, got.Secure, tt.want, tt.tls)
			}
		})
	}
}

func TestSecure(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, peer string
		own        *tls.ConnectionState
		proto      []string
		want       bool
	}{
		{"TLS here", "203.0.113.7:1", &tls.ConnectionState{}, nil, true},
		{"a client that claims it", "203.0.113.7:1", nil, []string{"https"}, false},
		{"TLS at the proxy", "10.0.0.1:1", nil, []string{"https"}, true},
		{"TLS to here, but not at the proxy", "10.0.0.1:1", &tls.ConnectionState{}, []string{"http"}, false},
		{"the nearest proxy counts", "10.0.0.1:1", nil, []string{"https, http"}, false},
		{"the nearest line counts", "10.0.0.1:1", nil, []string{"http", "https"}, true},
	} {
		r := &http.Request{RemoteAddr: tt.peer, TLS: tt.own, Header: http.Header{"X-Forwarded-Proto": tt.proto}}
		if got := behind(XForwardedFor).Client(r).Secure; got != tt.want {
			t.Errorf("%s: got %v", tt.name, got)
		}
	}
}

func TestHandlerPutsClientIntoContext(t *testing.T) {
	t.Parallel()
	var got Client
	h := behind("").Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = From(r.Context()) }))
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr = "10.0.0.1:1"
	r.Header.Set("X-Forwarded-For", "203.0.113.7")
	h.ServeHTTP(httptest.NewRecorder(), r)
	if want := (Client{Address: netip.MustParseAddr("203.0.113.7")}); got != want {
		t.Errorf("got %v", got)
	}
	if From(t.Context()) != (Client{}) {
		t.Error("a context without request has a client")
	}
}

// FuzzClient writes any text into a header, to which a proxy then appends the client's address. Client must return
// the client's address, or at worst the proxy's. If the header comes from an untrusted peer, it must be ignored.
func FuzzClient(f *testing.F) {
	f.Add("198.51.100.1", true)
	f.Add(`for=198.51.100.1;x="`, false)
	f.Add(`for="\`, false)
	f.Add(",,;;==", true)
	f.Fuzz(func(t *testing.T, written string, sameLine bool) {
		client := netip.MustParseAddr("203.0.113.7")
		peer := netip.MustParseAddr("10.0.0.1")
		for _, h := range []Header{XForwardedFor, Standard} {
			for _, added := range map[Header][]string{XForwardedFor: {"203.0.113.7", "203.0.113.7:9"},
				Standard: {"for=203.0.113.7", `for="203.0.113.7:9";proto="https"`, `proto="";for=203.0.113.7;host=""`}}[h] {
				lines := []string{written, added}
				if sameLine {
					lines = []string{written + ", " + added}
				}
				r := &http.Request{RemoteAddr: "10.0.0.1:1", Header: http.Header{string(h): lines}}
				got := behind(h).Client(r).Address
				if got != client && (got != peer || !sameLine || h != Standard) {
					t.Errorf("%s %q: %s", h, lines, got)
				}
				r.RemoteAddr = "192.0.2.1:1"
				if got := behind(h).Client(r).Address; got.String() != "192.0.2.1" {
					t.Errorf("%s %q of an untrusted peer: %s", h, lines, got)
				}
			}
		}
		if hops, ok := parseForwarded(written); ok && len(hops) > strings.Count(written, ",")+1 {
			t.Errorf("%d hops in %q", len(hops), written)
		}
	})
}
