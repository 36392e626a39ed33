package parser

import (
	"errors"
	"strings"
	"testing"
	"time"

	"legwork/internal/page"
	"legwork/internal/testsite"
)

// TestHostile: each hostile document is read or refused within its limits, and the size of the result is bounded. One second of CPU time is
// enough for each kind of attack to show its effect. The memory is measured on a real worker, in a test of cmd/legwork.
func TestHostile(t *testing.T) {
	t.Parallel()
	p := newPool(t, Config{CPU: time.Second, Timeout: time.Hour}, "parse")
	for _, d := range testsite.HostileDocuments() {
		t.Run(d.Name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			r, err := p.Read(t.Context(), base, header(d.ContentType), d.Body)
			took := time.Since(began)
			t.Logf("%-24s %8d bytes: %6.2f s, %8d bytes of text, %6d links, %5d passages, %v %s", d.Name, len(d.Body), took.Seconds(), len(r.Page.Text), len(r.Links), len(r.Page.Passages), err, r.Note)
			if err != nil && !errors.Is(err, page.ErrLimit) && !errors.Is(err, page.ErrType) && !errors.Is(err, page.ErrEmpty) {
				t.Error(err)
			}
			if err != nil && strings.Contains(err.Error(), "crashed") {
				t.Error(err)
			}
			if len(r.Page.Text) > page.MaxText || len(r.Links) > page.MaxLinks {
				t.Errorf("%d bytes of text, %d links", len(r.Page.Text), len(r.Links))
			}
		})
	}
}
