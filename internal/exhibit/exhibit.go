// Package exhibit renders a snapshot as an HTML page for people to read, with the cited spans marked. The page runs no
// scripts and loads nothing.
//
// Invariants:
//
//   - All text of the snapshot is shown as text. It is escaped and put between fixed tags, and then a sanitiser removes all other tags. The
//     page's Content-Security-Policy ([Policy]) allows its own style sheet and nothing else.
//   - No readable text is lost. Only the marks of Markdown blocks (heading signs, bullets, bars, fences) are left out, since tags replace
//     them.
//   - The marks of a quote cover exactly its span, to the code point. A mark never crosses a tag, so a span over several blocks has several
//     marks. The first one has the id.
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

	"legwork/internal/research"
)

// Quote is a cited span of the snapshot.
type Quote struct {
	N             int    // number of the marker in the answer, from 1; no two quotes have the same
	Start, End    int    // code points, End exclusive
	Text          string // the span itself
	ScreenshotURL string // root-relative URL; empty if there is no screenshot
}

// Page is the input of HTML.
type Page struct {
	Title    string // never empty
	URL      string // address of the page on the web, http or https
	Language string // BCP 47; empty if unknown
	ReadAt   time.Time
	Text     string           // the snapshot: Markdown blocks around plain text
	Blocks   []research.Block // blocks of the text. If they are nil or do not fit the text, they are guessed from the signs of Markdown in the text
	Quotes   []Quote
}

//go:embed page.css
var css string

//go:embed page.tmpl
var pageTemplate string

var page = template.Must(template.New("page").Parse(pageTemplate))

// Policy returns the Content-Security-Policy with which the page must be served. It forbids the page to run, load or
// send anything. Links open in a new page.
func Policy() string {
	sum := sha256.Sum256([]byte(css))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
}

// HTML returns the rendered page.
func HTML(p Page) ([]byte, error) {
	r := render(p)
	type quote struct {
		Quote
		Marked  bool          // whether at least a part of the quote is marked in the text
		Excerpt template.HTML // the quote as the page shows it; empty if only its text is known
	}
	quotes := make([]quote, len(p.Quotes))
	for i, q := range p.Quotes {
		quotes[i] = quote{q, r.shown[q.N], sanitised(r.excerpts[q.N])}
	}
	var out bytes.Buffer
	err := page.Execute(&out, map[string]any{
		"Page": p, "Quotes": quotes, "ReadAt": p.ReadAt.UTC().Format("2 January 2006, 15:04 UTC"), "Stamp": p.ReadAt.UTC().Format(time.RFC3339),
		"Style": template.CSS(css), //nolint:gosec // our own style sheet, which is part of the program
		"Body":  sanitised(r.body),
	})
	if err != nil {
		return nil, fmt.Errorf("render snapshot: %w", err)
	}
	return out.Bytes(), nil
}

// OfVisit returns the rendered page for a visit that read a page, without quotes.
func OfVisit(v research.Visit) ([]byte, error) {
	return HTML(Page{Title: v.Title, URL: v.FinalURL, Language: v.Page.Language, ReadAt: v.FetchedAt, Text: v.Page.Text, Blocks: v.Page.Blocks})
}

func sanitised(body []byte) template.HTML {
	return template.HTML(sanitiser().SanitizeBytes(body)) //nolint:gosec // the HTML was escaped and sanitised
}

// sanitiser allows only the tags that render writes.
var sanitiser = sync.OnceValue(func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("h2", "h3", "h4", "h5", "h6", "p", "br", "ul", "ol", "li", "blockquote", "pre", "code", "strong",
		"dl", "dt", "dd", "table", "thead", "tbody", "tr", "th", "td", "mark", "div", "span")
	number := regexp.MustCompile(`^[0-9]{1,9}$`)
	p.AllowAttrs("start").Matching(number).OnElements("ol")
	p.AllowAttrs("id", "class").Matching(regexp.MustCompile(`^cite-[0-9]{1,9}$`)).OnElements("mark")
	p.AllowAttrs("class").Matching(regexp.MustCompile(`^(wide|info)$`)).OnElements("div")
	p.AllowAttrs("class").Matching(regexp.MustCompile(`^plain$`)).OnElements("pre")
	p.AllowAttrs("class").Matching(regexp.MustCompile(`^numbered$`)).OnElements("ul")
	return p
})
