package testsite

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"testing"
)

// Fence is what stands below a dialer under test: no packet of a test leaves this machine, however broken the dialer's own
// rules are. What would have left fails the test.
type Fence struct {
	resolver *net.Resolver

	mu     sync.Mutex
	asked  int
	beyond []string
}

// StartFence gives a fence that fails the test at its end if anything ran into it.
func StartFence(t testing.TB) *Fence {
	t.Helper()
	f := &Fence{resolver: StartDNS(t, func(string, int) string { return "" }).Resolver()}
	t.Cleanup(func() {
		if beyond := f.Beyond(); len(beyond) > 0 {
			t.Errorf("only the fence kept the test from connecting to %v", beyond)
		}
	})
	return f
}

// Confine puts the fence below d's own rules: of what they let through, only loopback addresses are connected to. Without a
// resolver of its own d knows no names but those of the hosts file.
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

// Asked counts the connections that were tried, refused ones included.
func (f *Fence) Asked() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked
}

// Beyond lists the addresses that only the fence kept from being connected to.
func (f *Fence) Beyond() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.beyond...)
}
