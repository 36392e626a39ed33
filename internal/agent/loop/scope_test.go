package loop

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"legwork/internal/research"
	"legwork/internal/testsite"
)

// TestAskKeepsToTheRules: the rules about domains and depth apply to every address that a model asks for, including
// redirects and addresses that no page links to. The model is told why a page was not opened.
func TestAskKeepsToTheRules(t *testing.T) {
	t.Parallel()
	const tale, link, redirect = "<title>Tale</title><h1>Tale</h1><p>The kettle boils at 90 degrees, they say abroad.</p>", "/out.html", "/leave"
	for name, tt := range map[string]struct {
		change func(*research.Options)
		opens  []string // paths of the pages that are opened
		says   string   // reason why the other pages are not opened
	}{
		"no rule":                     {func(*research.Options) {}, []string{link, redirect, "/below", "/deeper"}, ""},
		"no external links":           {func(o *research.Options) { o.AllowExternalLinks = false }, []string{redirect, "/below", "/deeper"}, "does not follow links to other sites"},
		"same domain":                 {func(o *research.Options) { o.SameDomainOnly = true }, []string{redirect, "/below", "/deeper"}, "stays on 127.0.0.1"},
		"denied":                      {func(o *research.Options) { o.DenyDomains = []string{"127.0.0.2"} }, []string{redirect, "/below", "/deeper"}, "never opened"},
		"only as deep as links go":    {func(o *research.Options) { o.MaxDepth = 1 }, []string{link, redirect, "/below"}, "more than 1 links away"},
		"no more than there are left": {func(o *research.Options) { o.MaxPages = 2 }, []string{link}, "limit of 2 pages"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			abroad := testsite.StartOn(t, "127.0.0.2")
			abroad.Page(link, tale)
			abroad.Page("/end", tale)
			var a *asking
			a = newAsking(t, func(n int, r testsite.ModelRequest) testsite.Turn {
				open := func(url string) testsite.Turn { return turn(call("navigate_to", "url", url)) }
				switch {
				case len(r.Tools()) == 0:
					return testsite.Turn{Text: "It is 90 degrees [1]."}
				case n == 0:
					return open(abroad.URL(link))
				case n == 1:
					return open(a.site.URL(redirect))
				case n == 2:
					return open(a.site.URL("/below"))
				case n == 3:
					return open(a.site.URL("/deeper")) // only /below links to it
				case n == 4:
					return turn(call("cite", "url", a.site.URL("/in.html"), "quote", "This page leads abroad"))
				}
				return testsite.Turn{Text: "DONE"}
			}, func(a *asking, o *research.Options) {
				a.site.Page("/in.html", fmt.Sprintf(`<title>In</title><h1>In</h1><p>This page leads abroad.</p><a href="%s">Out</a> <a href="/leave">Leave</a> <a href="/below">Below</a>`, abroad.URL(link)))
				a.site.Page("/below", `<title>Below</title><h1>Below</h1><p>A page below.</p><a href="/deeper">Deeper</a>`)
				a.site.Page("/deeper", `<title>Deeper</title><h1>Deeper</h1><p>A page deeper down.</p>`)
				a.site.Handle(redirect, func(w http.ResponseWriter, r *http.Request) {
					http.Redirect(w, r, abroad.URL("/end"), http.StatusFound)
				})
				o.SeedURL = a.site.URL("/in.html")
				tt.change(o)
			})
			a.answered(t)
			var opened []string
			for _, url := range a.Work.Opens()[1:] {
				opened = append(opened, url[strings.LastIndex(url, "/"):])
			}
			require.Equal(t, tt.opens, opened)
			told := a.server.Requests()[5].Raw
			require.True(t, tt.says == "" || strings.Contains(told, tt.says), told)
			read := slices.Contains([]string{"no rule", "only as deep as links go"}, name)
			require.Equal(t, read, strings.Contains(told, abroad.URL("/end")), "what the redirect leads to")
			require.Equal(t, read, abroad.Count("/end") > 0, "whether it was asked at all")
		})
	}
}
