// Package exhibit makes an HTML page out of a snapshot, for people to read. The page runs and loads nothing, and the cited
// spans are marked.
//
// Invariants:
//
//   - The snapshot's text is shown as text, whatever is in it. It is escaped and put between fixed tags, and a sanitiser then
//     removes every other tag. The page's Content-Security-Policy ([Policy]) allows its one style sheet and nothing else.
//   - Nothing that can be read is lost: only the signs of Markdown blocks (heading signs, bullets, bars, fences) are left
//     out, since the tags stand for them.
//   - A mark covers what its span covers of the text, exactly to the code point, wherever the span begins and ends. Marks
//     never cross tags, so a span over several blocks has several, of which the first has the id.
package exhibit

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"regexp"
	"sync"
	"time"

	"github.com/microcosm-cc/bluemonday"
)

// Quote is a cited span of the snapshot.
type Quote struct {
	N             int    // number of the marker in the answer, from 1; each is used once
	Start, End    int    // code points, End exclusive
	Text          string // the span itself
	ScreenshotURL string // root-relative; empty: there is none
}

// Page is what is shown.
type Page struct {
	Title    string // never empty
	URL      string // of the page on the web, http or https
	Language string // BCP 47; empty: unknown
	ReadAt   time.Time
	Text     string // the snapshot: Markdown blocks around plain text
	Quotes   []Quote
}

//go:embed page.css
var css string

//go:embed page.tmpl
var pageTemplate string

var page = template.Must(template.New("page").Parse(pageTemplate))

// Policy is the Content-Security-Policy that the page must be served with. The page may not run, load or send
// anything, and its links open in another page.
func Policy() string {
	sum := sha256.Sum256([]byte(css))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
}

// HTML returns the page.
func HTML(p Page) ([]byte, error) {
	body, shown := render(p.Text, p.Quotes)
	type quote struct {
		Quote
		Marked bool // at least part of the quote is marked in the text
	}
	quotes := make([]quote, len(p.Quotes))
	for i, q := range p.Quotes {
		quotes[i] = quote{q, shown[q.N]}
	}
	var out bytes.Buffer
	err := page.Execute(&out, map[string]any{
		"Page": p, "Quotes": quotes, "ReadAt": p.ReadAt.UTC().Format("2 January 2006, 15:04 UTC"), "Stamp": p.ReadAt.UTC().Format(time.RFC3339),
		"Style": template.CSS(css),                              //nolint:gosec // our own sheet
		"Body":  template.HTML(sanitiser().SanitizeBytes(body)), //nolint:gosec // escaped and sanitised
	})
	if err != nil {
		return nil, fmt.Errorf("render snapshot: %w", err)
	}
	return out.Bytes(), nil
}

// sanitiser allows only the tags that render writes.
var sanitiser = sync.OnceValue(func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("h2", "h3", "h4", "h5", "h6", "p", "br", "ul", "ol", "li", "blockquote", "pre", "code", "strong",
		"table", "thead", "tbody", "tr", "th", "td", "mark", "div", "span")
	number := regexp.MustCompile(`^[0-9]{1,9}$`)
	p.AllowAttrs("start").Matching(number).OnElements("ol")
	p.AllowAttrs("id", "class").Matching(regexp.MustCompile(`^cite-[0-9]{1,9}$`)).OnElements("mark")
	p.AllowAttrs("class").Matching(regexp.MustCompile(`^(wide|info)$`)).OnElements("div")
	return p
})
