package structured

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/mmcdole/gofeed"
)

// Feed converts an RSS, Atom or JSON feed to an HTML page. The page has the feed's title and description. For each item it has a heading
// that is a link, the date, and the text. The error is ErrSyntax.
func Feed(ctx context.Context, text string) (page, note string, err error) {
	text = withoutDeclaration(text)
	if strings.HasPrefix(text, "<") {
		if err := shallow(ctx, text); err != nil { // the feed library reads nested extensions recursively
			return "", "", err
		}
	}
	feed, err := gofeed.NewParser().Parse(newSource(ctx, text))
	if err != nil {
		return "", "", fmt.Errorf("%w: %w", ErrSyntax, err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "<!doctype html><html lang=%q><head><title>%s</title>", escape(feed.Language), escape(plain(feed.Title)))
	for name, at := range map[string]*time.Time{"article:published_time": feed.PublishedParsed, "article:modified_time": feed.UpdatedParsed} {
		if at != nil {
			fmt.Fprintf(&b, `<meta property=%q content=%q>`, name, at.UTC().Format(time.RFC3339))
		}
	}
	fmt.Fprintf(&b, "</head><body><h1>%s</h1>", escape(plain(feed.Title)))
	if feed.Description != "" {
		fmt.Fprintf(&b, "<div>%s</div>", balanced(feed.Description))
	}
	if feed.Link != "" {
		fmt.Fprintf(&b, `<p><a href="%s">%s</a></p>`, escape(feed.Link), escape(feed.Link))
	}
	items := feed.Items
	if len(items) > maxItems {
		note = fmt.Sprintf("The feed has %d items; the first %d were read.", len(items), maxItems)
		items = items[:maxItems]
	}
	for _, item := range items {
		writeItem(&b, item)
	}
	b.WriteString("</body></html>")
	return b.String(), note, nil
}

func writeItem(b *strings.Builder, item *gofeed.Item) {
	title, link := plain(item.Title), item.Link
	if link == "" && len(item.Links) > 0 {
		link = item.Links[0]
	}
	if link == "" && (strings.HasPrefix(item.GUID, "http://") || strings.HasPrefix(item.GUID, "https://")) {
		link = item.GUID
	}
	if title == "" {
		title = link
	}
	switch {
	case link != "" && title != "":
		fmt.Fprintf(b, `<h2><a href="%s">%s</a></h2>`, escape(link), escape(title))
	case title != "":
		fmt.Fprintf(b, "<h2>%s</h2>", escape(title))
	}
	var about []string
	if at := item.PublishedParsed; at != nil {
		about = append(about, at.UTC().Format(time.DateOnly))
	} else if at := item.UpdatedParsed; at != nil {
		about = append(about, at.UTC().Format(time.DateOnly))
	}
	for _, a := range item.Authors {
		if a != nil && a.Name != "" {
			about = append(about, a.Name)
		}
	}
	if len(about) > 0 {
		fmt.Fprintf(b, "<p>%s</p>", escape(strings.Join(about, ", ")))
	}
	if item.Description != "" && !strings.Contains(words(item.Content), words(item.Description)) {
		fmt.Fprintf(b, "<div>%s</div>", balanced(item.Description))
	}
	if item.Content != "" {
		fmt.Fprintf(b, "<div>%s</div>", balanced(item.Content))
	}
	for _, e := range item.Enclosures {
		if e != nil && e.URL != "" {
			fmt.Fprintf(b, `<p><a href="%s">%s</a></p>`, escape(e.URL), escape(strings.TrimSpace(e.Type+" "+e.URL[strings.LastIndexByte(e.URL, '/')+1:])))
		}
	}
}

// plain removes the markup that some feeds have in titles.
func plain(s string) string {
	if looksLikeHTML(s) {
		s = words(s)
	}
	return strings.Join(strings.Fields(s), " ")
}

// shallow returns an error if XML is nested deeper than maxDepth.
func shallow(ctx context.Context, text string) error {
	d := newDecoder(ctx, text)
	for depth := 0; ; {
		t, _ := d.RawToken()
		switch t.(type) {
		case nil: // no element: the end of the file, or a syntax error
			return nil
		case xml.StartElement:
			if depth++; depth > maxDepth {
				return fmt.Errorf("%w: its elements are nested more than %d levels deep", ErrSyntax, maxDepth)
			}
		case xml.EndElement:
			depth--
		}
	}
}

// Outline converts an OPML file to an HTML page. The page is a nested list of the file's entries, with links to their pages and feeds. The
// error is ErrSyntax.
func Outline(ctx context.Context, text string) (page, note string, err error) {
	d := newDecoder(ctx, text)
	var b strings.Builder
	title, items, depth := "", 0, 0
	for {
		t, end := d.Token()
		if t == nil {
			if items == 0 && !errors.Is(end, io.EOF) {
				return "", "", fmt.Errorf("%w: %w", ErrSyntax, end)
			}
			break
		}
		switch t := t.(type) {
		case xml.StartElement:
			switch strings.ToLower(t.Name.Local) {
			case "title":
				_ = d.DecodeElement(&title, &t)
			case "outline":
				if depth++; depth > maxDepth {
					return "", "", fmt.Errorf("%w: its entries are nested more than %d levels deep", ErrSyntax, maxDepth)
				}
				if items++; items > maxItems {
					note = fmt.Sprintf("The outline has more than %d entries; the first ones were read.", maxItems)
				} else {
					b.WriteString("<ul><li>" + entry(t) + "</li>")
				}
			}
		case xml.EndElement:
			if strings.EqualFold(t.Name.Local, "outline") {
				if depth--; items <= maxItems {
					b.WriteString("</ul>")
				}
			}
		}
	}
	title = escape(plain(title))
	return "<!doctype html><html><head><title>" + title + "</title></head><body><h1>" + title + "</h1>" + balanced(b.String()) + "</body></html>", note, nil
}

// entry returns the HTML of one entry of an outline.
func entry(t xml.StartElement) string {
	values := map[string]string{}
	for _, a := range t.Attr {
		values[strings.ToLower(a.Name.Local)] = a.Value
	}
	name, page, feed := plain(values["text"]), values["htmlurl"], values["xmlurl"]
	if name == "" {
		name = plain(values["title"])
	}
	if page == "" {
		page = values["url"]
	}
	if page == "" {
		page, feed = feed, ""
	}
	if name == "" {
		name = page
	}
	out := escape(name)
	if page != "" {
		out = `<a href="` + escape(page) + `">` + out + "</a>"
	}
	if feed != "" {
		out += ` (<a href="` + escape(feed) + `">feed</a>)`
	}
	if about := plain(values["description"]); about != "" && about != name {
		out += ": " + escape(about)
	}
	return out
}
