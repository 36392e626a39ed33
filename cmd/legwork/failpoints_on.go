//go:build failpoints

package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"

	"legwork/internal/failpoint"
)

// armed returns a context with the failpoints of LEGWORK_FAILPOINTS. Only builds for tests have it.
func armed(ctx context.Context, environ []string) context.Context {
	set, err := failpoint.FromEnv(environ)
	if err != nil {
		fmt.Fprintln(os.Stderr, "legwork:", err)
		os.Exit(1)
	}
	return failpoint.With(ctx, set)
}

// loopbackOnly is the variable that forbids a process to connect to other machines. Only builds for tests read it.
const loopbackOnly = "LEGWORK_TEST_LOOPBACK_ONLY"

// confine returns a function that changes a dialer for tests. The dialer panics if it would connect to another
// machine, so that a test fails if a rule about networks does not work. It resolves only names in the hosts file.
func confine() func(*net.Dialer) {
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
