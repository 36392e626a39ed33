//go:build failpoints

package sources

import (
	"context"
	"net"
	"net/netip"
	"os"
	"syscall"
)

// loopbackOnly is the variable that forbids a process to connect to other machines. Only builds for tests read it.
const loopbackOnly = "LEGWORK_TEST_LOOPBACK_ONLY"

// Confine returns a function that changes a dialer for tests. The dialer panics if it would connect to another
// machine, so that a test fails if a rule about networks does not work. It resolves only names in the hosts file.
func Confine() func(*net.Dialer) {
	if os.Getenv(loopbackOnly) == "" {
		return nil
	}
	return func(d *net.Dialer) {
		d.Resolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.DNSError{Err: "tests resolve no names", IsNotFound: true}
		}}
		own := d.Control
		d.Control = func(network, address string, conn syscall.RawConn) error {
			if own != nil {
				if err := own(network, address, conn); err != nil {
					return err
				}
			}
			if at, err := netip.ParseAddrPort(address); err != nil || !at.Addr().Unmap().IsLoopback() {
				panic("a test process was about to connect to another machine: " + address)
			}
			return nil
		}
	}
}
