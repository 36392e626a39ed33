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

// armed arms the failpoints that LEGWORK_FAILPOINTS names; builds for tests only.
func armed(ctx context.Context, environ []string) context.Context {
	set, err := failpoint.FromEnv(environ)
	if err != nil {
		fmt.Fprintln(os.Stderr, "legwork:", err)
		os.Exit(1)
	}
	return failpoint.With(ctx, set)
}

// loopbackOnly is the variable that confines a process to this machine; builds for tests only.
const loopbackOnly = "LEGWORK_TEST_LOOPBACK_ONLY"

// confine works below all rules about networks. A test's process ends rather than connect to another machine,
// and it resolves only the names of the hosts file.
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
				panic("only the test's own fence kept it from connecting to " + address)
			}
			return nil
		}
	}
}
