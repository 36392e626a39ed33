package search

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/andybalholm/cascadia"

	"legwork/internal/research"
)

// BingURL is Bing's result page.
const BingURL = "https://www.bing.com/search"

const bingName = "Bing"

// Show opens the page at u in a browser and returns its HTML after its scripts have run.
type Show func(ctx context.Context, u *url.URL, header http.Header, body []byte) ([]byte, error)

// showTime is the time limit for showing a result page in a browser.
const showTime = 10 * time.Second

// NewBing returns the engine that reads Bing's result page at base. Scripts produce the results on that page, so the
// page is rendered in a browser. Without a browser, or if the browser fails, the page is read as the server sent it. No
// key is needed.
func NewBing(c *Client, base string, show Show) Engine { return bing{c, base, show} }

type bing struct {
	client *Client
	base   string
	show   Show // nil if there is no browser
}

// Name implements Engine.
func (bing) Name() research.Engine { return research.Bing }

// Search implements Engine.
func (b bing) Search(ctx context.Context, q Query) ([]Result, error) {
	u, err := url.Parse(b.base)
	if err != nil {
		return nil, failed("The address of %s is not valid.", bingName)
	}
	safe := "off"
	if q.SafeMode {
		safe = "strict"
	}
	u.RawQuery = url.Values{"q": {q.Text}, "adlt": {safe}, "count": {strconv.Itoa(min(max(q.Limit, 1), 50))}}.Encode()
	a, err := b.client.get(ctx, bingName, u, map[string]string{"Accept": "text/html"})
	if err != nil {
		return nil, err
	}
	if b.show != nil && a.status == http.StatusOK {
		timed, cancel := context.WithTimeout(ctx, showTime)
		defer cancel()
		switch shown, err := b.show(timed, a.url, a.header, a.body); {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err == nil:
			a.body = shown
		}
	}
	return readBing(a)
}

// Elements of Bing's result page.
var (
	bingCaptcha  = cascadia.MustCompile(`#b_captcha, .captcha, .cf-turnstile, iframe[src*="challenges.cloudflare.com"]`)
	bingResult   = cascadia.MustCompile(`li.b_algo`)
	bingLink     = cascadia.MustCompile(`h2 a`)
	bingSnippet  = cascadia.MustCompile(`.b_caption p`)
	bingCaption  = cascadia.MustCompile(`.b_caption`)
	bingAnswered = cascadia.MustCompile(`li.b_no, #b_results`) // the page has results, or says that there are none
)

// readBing reads a result page.
func readBing(a answer) ([]Result, error) {
	root := parsePage(a.body)
	if has(root, bingCaptcha) {
		return nil, blocked(bingName)
	}
	if a.status != http.StatusOK {
		return nil, a.refusal(bingName)
	}
	var out []Result
	for _, n := range all(root, bingResult) {
		link := first(n, bingLink)
		if target := bingTarget(attribute(link, "href")); target != "" {
			text := first(n, bingSnippet)
			if text == nil {
				text = first(n, bingCaption)
			}
			out = append(out, Result{URL: target, Title: words(link), Snippet: words(text)})
		}
	}
	if len(out) == 0 && !has(root, bingAnswered) {
		return nil, changed(bingName)
	}
	return out, nil
}

// bingTarget decodes the target of a link https://www.bing.com/ck/a?…&u=a1…. The parameter u has two characters that
// name the encoding, then the address in base64 without padding (RFC 4648 §5).
func bingTarget(href string) string {
	u, err := url.Parse(href)
	if err != nil || u.Host == "" {
		return ""
	}
	if host := u.Hostname(); host != "bing.com" && !strings.HasSuffix(host, ".bing.com") || !strings.HasPrefix(u.Path, "/ck/") {
		return href
	}
	code, ok := strings.CutPrefix(u.Query().Get("u"), "a1")
	if !ok {
		return ""
	}
	target, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(code, "="))
	if err != nil {
		return ""
	}
	return string(target)
}
