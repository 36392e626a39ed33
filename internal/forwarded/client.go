package forwarded

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
)

// Client is the client that sent a request, as far as the connection and trusted proxies tell.
type Client struct {
	// Address is the client's IP address, without zone and never an IPv4 address in IPv6 form. It is invalid when the
	// connection has no IP address.
	Address netip.Addr
	// Secure reports whether the client spoke TLS, to this server or to the proxy in front of it.
	Secure bool
}

// Header is the header in which trusted proxies name the client.
type Header string

// The headers that are understood.
const (
	XForwardedFor Header = "X-Forwarded-For" // a list of addresses; X-Forwarded-Proto says whether the client spoke TLS
	Standard      Header = "Forwarded"       // RFC 7239
)

// Proxies are the proxies in front of this server that may name the clients of requests. The zero value trusts no
// proxy.
type Proxies struct {
	Trusted []netip.Prefix // networks and addresses of the proxies
	Header  Header         // the header in which all of them name the client; empty means XForwardedFor
}

// Client returns the client that sent a request.
func (p Proxies) Client(r *http.Request) Client {
	c := Client{Address: parseAddress(r.RemoteAddr), Secure: r.TLS != nil}
	if !p.trusts(c.Address) {
		return c
	}
	if p.Header == Standard {
		return p.standard(c, r.Header.Values(string(Standard)))
	}
	return p.xForwarded(c, r.Header)
}

// trusts reports whether an address is that of a trusted proxy.
func (p Proxies) trusts(a netip.Addr) bool {
	for _, net := range p.Trusted {
		if net.Contains(a) {
			return true
		}
	}
	return false
}

// xForwarded returns the client that X-Forwarded-For and X-Forwarded-Proto name. peer is the trusted proxy that has
// opened the connection.
func (p Proxies) xForwarded(peer Client, h http.Header) Client {
	client := peer
	if proto := h.Values("X-Forwarded-Proto"); len(proto) > 0 {
		client.Secure = strings.EqualFold(lastItem(proto[len(proto)-1]), "https")
	}
	lines := h.Values(string(XForwardedFor))
	for i := len(lines) - 1; i >= 0; i-- {
		for line, more := lines[i], true; more; {
			var item string
			if at := strings.LastIndexByte(line, ','); at >= 0 {
				line, item = line[:at], line[at+1:]
			} else {
				item, more = line, false
			}
			address := parseAddress(strings.TrimSpace(item))
			if !address.IsValid() {
				return client
			}
			if client.Address = address; !p.trusts(address) {
				return client
			}
		}
	}
	return client
}

// lastItem returns the last item of a comma separated list.
func lastItem(list string) string {
	return strings.TrimSpace(list[strings.LastIndexByte(list, ',')+1:])
}

// standard returns the client that the lines of the header Forwarded name. peer is the trusted proxy that has opened
// the connection.
func (p Proxies) standard(peer Client, lines []string) Client {
	client := peer
	for i := len(lines) - 1; i >= 0; i-- {
		hops, ok := parseForwarded(lines[i])
		if !ok {
			return client
		}
		for j := len(hops) - 1; j >= 0; j-- {
			hop := hops[j]
			address := parseAddress(hop.from)
			if !address.IsValid() {
				return client
			}
			client.Address = address
			if hop.proto != "" {
				client.Secure = strings.EqualFold(hop.proto, "https")
			}
			if !p.trusts(address) {
				return client
			}
		}
	}
	return client
}

// parseAddress parses an IP address with or without a port: 192.0.2.1, 192.0.2.1:80, 2001:db8::1, [2001:db8::1],
// [2001:db8::1]:80. For any other text it returns an invalid address.
func parseAddress(s string) netip.Addr {
	if withPort, err := netip.ParseAddrPort(s); err == nil {
		return withPort.Addr().Unmap().WithZone("")
	}
	if len(s) > 1 && s[0] == '[' && s[len(s)-1] == ']' {
		s = s[1 : len(s)-1]
	}
	address, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}
	}
	return address.Unmap().WithZone("")
}

// clientKey is the context key of a request's Client.
type clientKey struct{}

// Handler stores the client of each request in the request's context, where [From] finds it.
func (p Proxies) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(With(r.Context(), p.Client(r))))
	})
}

// With returns a context that holds a client.
func With(ctx context.Context, c Client) context.Context {
	return context.WithValue(ctx, clientKey{}, c)
}

// From returns the client that the context of a request holds. Outside of requests it returns the zero Client.
func From(ctx context.Context) Client {
	c, _ := ctx.Value(clientKey{}).(Client)
	return c
}
