package page

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"legwork/internal/research"
)

// TestScope checks which addresses may be opened. For each rule there is one address that it forbids, and a similar one that it allows.
func TestScope(t *testing.T) {
	t.Parallel()
	denied := filepath.Join(t.TempDir(), "denied")
	require.NoError(t, os.WriteFile(denied, []byte("bad.example\n"), 0o600))
	lists, err := OpenLists("", denied, nil)
	require.NoError(t, err)
	const home, docs, other = "https://example.com/a", "https://docs.example.com/b", "https://other.example/c"
	seeded := research.Options{SeedURL: home, AllowExternalLinks: true, MaxDepth: 2}
	with := func(change func(*research.Options)) research.Options {
		o := seeded
		change(&o)
		return o
	}
	same := with(func(o *research.Options) { o.SameDomainOnly = true })
	own := with(func(o *research.Options) { o.AllowExternalLinks = false })
	for name, tt := range map[string]struct {
		o    research.Options
		at   Address
		says string // part of the message; empty if the address may be opened
	}{
		"a link":                            {seeded, Address{URL: other, Depth: 1, From: "example.com"}, ""},
		"no address":                        {seeded, Address{URL: "mailto:me@example.com"}, "no address of a web page"},
		"as deep as may be":                 {seeded, Address{URL: docs, Depth: 2}, ""},
		"too deep":                          {seeded, Address{URL: docs, Depth: 3}, "more than 2 links away"},
		"same domain, a subdomain":          {same, Address{URL: docs, Depth: 1, From: "example.com"}, ""},
		"same domain, another":              {same, Address{URL: other, Depth: 1, From: "example.com"}, "stays on example.com"},
		"same domain, a start page":         {same, Address{URL: other}, "stays on example.com"},
		"same domain, of the result":        {with(func(o *research.Options) { o.SameDomainOnly, o.SeedURL = true, "" }), Address{URL: other, Depth: 1, Root: "example.com"}, "stays on example.com"},
		"same domain, no seed":              {with(func(o *research.Options) { o.SameDomainOnly, o.SeedURL = true, "" }), Address{URL: other}, ""},
		"own links, within":                 {own, Address{URL: docs, Depth: 1, From: "example.com"}, ""},
		"own links, to another site":        {own, Address{URL: other, Depth: 1, From: "example.com"}, "does not follow links to other sites"},
		"own links, a start page":           {own, Address{URL: other}, ""},
		"denied by the task":                {with(func(o *research.Options) { o.DenyDomains = []string{"other.example"} }), Address{URL: other}, "never opened"},
		"not among the allowed":             {with(func(o *research.Options) { o.AllowDomains = []string{"example.com"} }), Address{URL: other}, "not on the list"},
		"among the allowed":                 {with(func(o *research.Options) { o.AllowDomains = []string{"example.com"} }), Address{URL: docs}, ""},
		"denied by the operator":            {seeded, Address{URL: "https://www.bad.example/"}, "this server's list"},
		"words of a page":                   {seeded, Address{URL: other, Unlinked: true}, "neither a link"},
		"a guess on a site that was read":   {seeded, Address{URL: other, Depth: 1, From: "other.example", Unlinked: true}, ""},
		"a guess too deep":                  {seeded, Address{URL: other, Depth: 3, From: "other.example", Unlinked: true}, "more than 2 links"},
		"a seed that is no address":         {research.Options{SeedURL: "not a url", SameDomainOnly: true, AllowExternalLinks: true}, Address{URL: other}, ""},
		"a refusal repeats no endless text": {seeded, Address{URL: strings.Repeat("x:", 5000)}, "no address"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			why := NewScope(tt.o, lists, nil).Refuse(tt.at)
			require.Equal(t, tt.says != "", why != "", why)
			require.Contains(t, why, tt.says)
			require.Less(t, len(why), 300)
		})
	}
	require.Empty(t, Scope{}.Refuse(Address{URL: other, Depth: 99, From: "example.com"}), "the zero scope allows everything")
}

// TestScopeOfRedirects: a load may be redirected only to where a link could lead.
func TestScopeOfRedirects(t *testing.T) {
	t.Parallel()
	const home, other = "https://docs.example.com/a", "other.example"
	for name, tt := range map[string]struct {
		o    research.Options
		at   Address
		stay string // the domain that loads must stay on; empty means any
	}{
		"no rule":                       {research.Options{AllowExternalLinks: true}, Address{URL: home, Depth: 1}, ""},
		"own links, a start page":       {research.Options{}, Address{URL: home}, ""},
		"own links":                     {research.Options{}, Address{URL: home, Depth: 1}, "example.com"},
		"same domain as the seed":       {research.Options{AllowExternalLinks: true, SameDomainOnly: true, SeedURL: home}, Address{URL: home}, "example.com"},
		"same domain as a result":       {research.Options{AllowExternalLinks: true, SameDomainOnly: true}, Address{URL: home, Root: "example.com"}, "example.com"},
		"same domain, no start page":    {research.Options{AllowExternalLinks: true, SameDomainOnly: true}, Address{URL: home}, ""},
		"the seed's domain comes first": {research.Options{SameDomainOnly: true, SeedURL: home}, Address{URL: "https://x.org/", Root: "x.org"}, "example.com"},
	} {
		p := NewScope(tt.o, nil, nil).Policy(tt.at)
		require.Equal(t, tt.stay != "", p.Refuse(other) != "", name)
		if tt.stay != "" {
			require.Empty(t, p.Refuse("www."+tt.stay), name)
		}
	}
	again := Scope{}.Again(home)
	require.NotEmpty(t, again.Refuse(other), "the picture of another page")
	require.Empty(t, again.Refuse("example.com"))
}
