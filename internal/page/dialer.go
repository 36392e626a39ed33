package page

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"code.dny.dev/ssrf"
)

// hostServices are addresses that are registered as public but do not belong to the web. At 168.63.129.16, virtual machines on Azure reach
// services of their host machine that return metadata and keys.
var hostServices = netip.MustParsePrefix("168.63.129.16/32")

// Dialer returns a dialer that refuses to connect to addresses that are not public (IANA's special-purpose registries: private, loopback,
// link-local, metadata, multicast …) and to ports other than 80 and 443. Networks in allow are exempt, with all their ports. The dialer
// checks the resolved address right before it connects, so names, redirects and DNS rebinding cannot avoid the check. For an error of a
// refused connection, Refused returns true.
func Dialer(allow []netip.Prefix) *net.Dialer {
	guard := ssrf.New(ssrf.WithDeniedV4Prefixes(hostServices))
	exempt := make([]netip.Prefix, len(allow))
	for i, p := range allow {
		exempt[i] = p.Masked()
	}
	return &net.Dialer{
		Timeout:   10 * time.Second,
		KeepAlive: 30 * time.Second,
		Control: func(network, address string, conn syscall.RawConn) error {
			if at, err := netip.ParseAddrPort(address); err == nil && strings.HasPrefix(network, "tcp") {
				for _, p := range exempt {
					if p.Contains(at.Addr().Unmap().WithZone("")) {
						return nil
					}
				}
			}
			return guard.Safe(network, address, conn)
		},
	}
}

// Transport returns an HTTP transport that uses the dialer. It ignores the proxy settings of the environment.
func Transport(dialer *net.Dialer) *http.Transport {
	return &http.Transport{
		Proxy:                  nil,
		DialContext:            dialer.DialContext,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           100,
		MaxIdleConnsPerHost:    2,
		IdleConnTimeout:        30 * time.Second,
		TLSHandshakeTimeout:    10 * time.Second,
		MaxResponseHeaderBytes: 256 << 10,
	}
}

// Refused reports whether err comes from a connection that Dialer refused to open.
func Refused(err error) bool {
	return errors.Is(err, ssrf.ErrProhibitedIP) || errors.Is(err, ssrf.ErrProhibitedPort) ||
		errors.Is(err, ssrf.ErrProhibitedNetwork) || errors.Is(err, ssrf.ErrInvalidHostPort)
}
