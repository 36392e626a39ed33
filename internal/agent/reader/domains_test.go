package reader

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"legwork/internal/agent/agenttest"
	"legwork/internal/page"
	"legwork/internal/research"
	"legwork/internal/testsite"
)

// TestRegistrableDomains: the domain rules of a task and of the operator compare registrable domains. All host names in this
// test lead to one server, whose first page links to each of them.
func TestRegistrableDomains(t *testing.T) {
	t.Parallel()
	site := testsite.Start(t)
	_, port, _ := strings.Cut(site.Host(), ":")
	w := newWorld(t)
	dns := testsite.StartDNS(t, func(string, int) string { return "127.0.0.1" })
	w.Fetcher = page.NewFetcher(page.Config{AllowNets: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Timeout: 10 * time.Second, Resolver: dns.Resolver(), Confine: testsite.StartFence(t).Confine}, agenttest.OpenGate{})
	t.Cleanup(w.Fetcher.Close)
	at := func(host, path string) string { return "http://" + host + ":" + port + path }
	hosts := []string{"www.shop.co.uk", "shop.co.uk", "rival.co.uk", "othershop.co.uk", "shop.co.uk.evil.example", "a.github.io"}
	links := ""
	for i, host := range hosts {
		links += fmt.Sprintf(`<p><a href="%s">The treasure of Zanzibar, told by %s</a></p>`, at(host, fmt.Sprint("/told/", i)), host)
		site.Page(fmt.Sprint("/told/", i), fmt.Sprintf(`<html lang="en"><title>Tale %d</title><h1>Tale %d</h1><p>Tale number %d says much, and nothing of palms.</p>`, i, i, i))
	}
	site.Page("/start", `<html lang="en"><title>Tales</title><h1>Tales</h1><p>Some words on pirates.</p>`+links)
	list := filepath.Join(t.TempDir(), "disallowed.txt")
	if err := os.WriteFile(list, []byte("*.github.io\nrival.co.uk\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	lists, err := page.OpenLists("", list, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		lists  *page.Lists
		change func(*research.Options)
		opens  []string
	}{
		{"no rule", nil, func(*research.Options) {}, hosts},
		{"same domain", nil, func(o *research.Options) { o.SameDomainOnly = true }, hosts[:2]},
		{"no external links", nil, func(o *research.Options) { o.AllowExternalLinks = false }, hosts[:2]},
		{"the operator's list", lists, func(*research.Options) {}, []string{"www.shop.co.uk", "shop.co.uk", "othershop.co.uk", "shop.co.uk.evil.example"}},
		{"both lists", lists, func(o *research.Options) { o.AllowDomains = []string{"rival.co.uk", "shop.co.uk"} }, hosts[:2]},
	} {
		o := agenttest.Options()
		o.SeedURL, o.MaxDepth = at("docs.shop.co.uk", "/start"), 1
		tt.change(&o)
		w := *w
		w.Lists = tt.lists
		j := w.Submit(treasure, o)
		if _, err := j.Run(t.Context()); err != nil && !strings.Contains(err.Error(), research.CodeNoSources) {
			t.Logf("%s: %v", tt.name, err) // the error says that nothing was cited, which this test does not check
		}
		for i, host := range hosts {
			if got := slices.Contains(j.Opens(), at(host, fmt.Sprint("/told/", i))); got != slices.Contains(tt.opens, host) {
				t.Errorf("%s: %s opened: %v", tt.name, host, got)
			}
		}
	}
}
