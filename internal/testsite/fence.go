package testsite

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"testing"
)

// Fence prevents a dialer under test from connecting to other machines, even if the dialer's own rules are broken. The test fails if the
// Fence had to refuse an address that the dialer's rules had allowed.
type Fence struct {
	resolver *net.Resolver

	mu     sync.Mutex
	asked  int
	beyond []string
}

// StartFence returns a Fence. When the test ends, it fails if the Fence had to refuse an address that the dialer's rules had allowed.
func StartFence(t testing.TB) *Fence {
	t.Helper()
	f := &Fence{resolver: StartDNS(t, func(string, int) string { return "" }).Resolver()}
	t.Cleanup(func() {
		if beyond := f.Beyond(); len(beyond) > 0 {
			t.Errorf("only the test's own guard kept it from connecting to %v", beyond)
		}
	})
	return f
}

// Confine makes d connect only to loopback addresses, in addition to the rules that d has. If d has no resolver, d resolves only the names
// in the hosts file.
func (f *Fence) Confine(d *net.Dialer) {
	if d.Resolver == nil {
		d.Resolver = f.resolver
	}
	own := d.Control
	d.Control = func(network, address string, conn syscall.RawConn) error {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.asked++
		if own != nil {
			if err := own(network, address, conn); err != nil {
				return err
			}
		}
		if at, err := netip.ParseAddrPort(address); err == nil && at.Addr().Unmap().IsLoopback() {
			return nil
		}
		f.beyond = append(f.beyond, address)
		return errBeyond
	}
}

var errBeyond = errors.New("tests connect to loopback addresses only")

// Asked returns the number of attempts to connect, including the refused attempts.
func (f *Fence) Asked() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked
}

// Beyond returns the addresses that the dialer's rules allowed and the Fence refused.
func (f *Fence) Beyond() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.beyond...)
}
