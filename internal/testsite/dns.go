package testsite

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// DNS is a name server on loopback. The test chooses its answers.
type DNS struct {
	conn   net.PacketConn
	answer func(name string, asked int) string

	mu    sync.Mutex
	asked map[string]int
}

// StartDNS starts a name server, which is stopped when the test ends. answer returns the address for a name (without the last dot), or an
// empty string if the name does not exist. asked is the number of questions for the name so far, including this one. Answers may not be
// cached (TTL 0).
func StartDNS(t testing.TB, answer func(name string, asked int) string) *DNS {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &DNS{conn: conn, answer: answer, asked: map[string]int{}}
	t.Cleanup(func() { _ = conn.Close() })
	go d.serve()
	return d
}

// Resolver returns a resolver that asks only this server.
func (d *DNS) Resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, StrictErrors: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, "udp", d.conn.LocalAddr().String())
	}}
}

func (d *DNS) serve() {
	buf := make([]byte, 1500)
	for {
		n, from, err := d.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		if reply := d.reply(buf[:n]); reply != nil {
			_, _ = d.conn.WriteTo(reply, from)
		}
	}
}

func (d *DNS) reply(query []byte) []byte {
	var m dnsmessage.Message
	if m.Unpack(query) != nil || len(m.Questions) != 1 {
		return nil
	}
	q := m.Questions[0]
	name := strings.TrimSuffix(strings.ToLower(q.Name.String()), ".")
	m.Response, m.Authoritative, m.RecursionAvailable, m.Additionals = true, true, true, nil
	// A lookup asks for IPv4 and IPv6 at the same time. Only the IPv4 question is counted.
	d.mu.Lock()
	if q.Type == dnsmessage.TypeA {
		d.asked[name]++
	}
	asked := max(1, d.asked[name])
	d.mu.Unlock()
	addr, err := netip.ParseAddr(d.answer(name, asked))
	header := dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET}
	switch {
	case err != nil:
		m.RCode = dnsmessage.RCodeNameError
	case addr.Is4() && q.Type == dnsmessage.TypeA:
		m.Answers = []dnsmessage.Resource{{Header: header, Body: &dnsmessage.AResource{A: addr.As4()}}}
	case addr.Is6() && q.Type == dnsmessage.TypeAAAA:
		m.Answers = []dnsmessage.Resource{{Header: header, Body: &dnsmessage.AAAAResource{AAAA: addr.As16()}}}
	}
	reply, err := m.Pack()
	if err != nil {
		return nil
	}
	return reply
}
