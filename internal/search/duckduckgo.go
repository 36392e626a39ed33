package search

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/andybalholm/cascadia"

	"legwork/internal/research"
)

// DuckDuckGoURL is DuckDuckGo's result page without JavaScript.
const DuckDuckGoURL = "https://html.duckduckgo.com/html/"

const duckName = "DuckDuckGo"

// NewDuckDuckGo returns the engine that reads DuckDuckGo's HTML result page at base. No key is needed. It reads only the
// first page, which has about 25 results.
func NewDuckDuckGo(c *Client, base string) Engine { return duckDuckGo{c, base} }

type duckDuckGo struct {
	client *Client
	base   string
}

// Name implements Engine.
func (duckDuckGo) Name() research.Engine { return research.DuckDuckGo }

// Search implements Engine.
func (d duckDuckGo) Search(ctx context.Context, q Query) ([]Result, error) {
	u, err := url.Parse(d.base)
	if err != nil {
		return nil, failed("The address of %s is not valid.", duckName)
	}
	safe := "-2"
	if q.SafeMode {
		safe = "1"
	}
	u.RawQuery = url.Values{"q": {q.Text}, "kp": {safe}, "kl": {"wt-wt"}}.Encode()
	a, err := d.client.get(ctx, duckName, u, map[string]string{"Accept": "text/html"})
	if err != nil {
		return nil, err
	}
	return readDuckDuckGo(a)
}

// Elements of DuckDuckGo's result page.
var (
	duckCaptcha  = cascadia.MustCompile(`[class^="anomaly-modal"], form[action*="anomaly.js"]`)
	duckResult   = cascadia.MustCompile(`div.result:not(.result--ad):not(.result--no-result)`)
	duckLink     = cascadia.MustCompile(`a.result__a`)
	duckSnippet  = cascadia.MustCompile(`.result__snippet`)
	duckAnswered = cascadia.MustCompile(`.no-results, .result--no-result, #links`) // the page has results, or says that there are none
)

// readDuckDuckGo reads a result page. The page with a CAPTCHA that DuckDuckGo shows to suspected robots may have status
// 202, 403 or 200.
func readDuckDuckGo(a answer) ([]Result, error) {
	root := parsePage(a.body)
	if has(root, duckCaptcha) {
		return nil, blocked(duckName)
	}
	if a.status != http.StatusOK {
		return nil, a.refusal(duckName)
	}
	var out []Result
	for _, n := range all(root, duckResult) {
		link := first(n, duckLink)
		if target := duckTarget(attribute(link, "href")); target != "" {
			out = append(out, Result{URL: target, Title: words(link), Snippet: words(first(n, duckSnippet))})
		}
	}
	if len(out) == 0 && !has(root, duckAnswered) {
		return nil, changed(duckName)
	}
	return out, nil
}

// duckTarget decodes the target of a link //duckduckgo.com/l/?uddg=…. It returns an empty string for links of
// advertisements (…/y.js?…) and for other pages of DuckDuckGo.
func duckTarget(href string) string {
	u, err := url.Parse(href)
	if err != nil {
		return ""
	}
	if host := u.Hostname(); host != "" && host != "duckduckgo.com" && !strings.HasSuffix(host, ".duckduckgo.com") {
		return href
	}
	if !strings.HasSuffix(strings.TrimSuffix(u.Path, "/"), "/l") {
		return ""
	}
	target := u.Query().Get("uddg")
	if strings.Contains(target, "duckduckgo.com/y.js") {
		return ""
	}
	return target
}
