package structured

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/mmcdole/gofeed"

	"legwork/internal/weburl"
)

// maxEntries is how many addresses of one site map are kept (sitemaps.org protocol 0.9).
const maxEntries = 50_000

// SiteMap gives the addresses of pages and of further site maps that a site map names, each once and in order: one in XML,
// an index, a feed, or a list of addresses with one on each line. Relative addresses are resolved against base, which may be
// nil. What cannot be opened is left out. A map that breaks off gives what came before. The error is ErrSyntax.
func SiteMap(text string, base *url.URL) (pages, maps []string, err error) {
	text = withoutDeclaration(text)
	c := collector{seen: map[string]bool{}}
	if base != nil {
		c.base = weburl.NewBase(base)
	}
	switch {
	case text == "":
		return nil, nil, fmt.Errorf("%w: it is empty", ErrSyntax)
	case !strings.HasPrefix(text, "<"):
		err = c.list(text)
	default:
		err = c.xml(text)
	}
	return c.pages, c.maps, err
}

type collector struct {
	base        *weburl.Base // nil: there is none
	seen        map[string]bool
	pages, maps []string
	rooted      bool // a root element was met
}

// add keeps an address. It reports whether it is one.
func (c *collector) add(to *[]string, raw string) bool {
	var u *url.URL
	var err error
	if raw = strings.TrimSpace(raw); c.base != nil && raw != "" {
		u, err = c.base.Join(raw)
	} else {
		u, err = weburl.Parse(raw)
	}
	if err != nil {
		return false
	}
	u.Fragment, u.RawFragment = "", ""
	if at := u.String(); !c.seen[at] && len(*to) < maxEntries {
		c.seen[at] = true
		*to = append(*to, at)
	}
	return true
}

// list reads one address on each line. Most lines must be one, or it is some other text.
func (c *collector) list(text string) error {
	good, bad := 0, 0
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case line == "", strings.HasPrefix(line, "#"):
		case !strings.HasPrefix(strings.ToLower(line), "http") && !strings.HasPrefix(line, "/"), !c.add(&c.pages, line):
			bad++
		default:
			good++
		}
	}
	if good == 0 || bad > good/4 {
		c.pages = nil
		return fmt.Errorf("%w: it is neither XML nor a list of addresses", ErrSyntax)
	}
	return nil
}

func (c *collector) xml(text string) error {
	d := newDecoder(text)
	var open []string
	var loc strings.Builder
	for {
		t, end := d.Token()
		if end != nil {
			if errors.Is(end, io.EOF) && len(open) == 0 && c.rooted || len(c.pages)+len(c.maps) > 0 {
				return nil
			}
			return fmt.Errorf("%w: %w", ErrSyntax, end)
		}
		switch t := t.(type) {
		case xml.StartElement:
			name := strings.ToLower(t.Name.Local)
			switch {
			case len(open) == 0 && (name == "rss" || name == "feed" || name == "rdf"):
				return c.feed(text)
			case len(open) == 0 && name != "urlset" && name != "sitemapindex":
				return fmt.Errorf("%w: it begins with <%s>", ErrSyntax, t.Name.Local)
			}
			loc.Reset()
			c.rooted = true
			if open = append(open, name); len(open) > maxDepth {
				return fmt.Errorf("%w: its elements are nested more than %d levels deep", ErrSyntax, maxDepth)
			}
		case xml.CharData:
			loc.Write(t)
		case xml.EndElement:
			if n := len(open); n >= 2 && open[n-1] == "loc" {
				switch open[n-2] { // and not an image of a page, which has a loc, too
				case "url":
					c.add(&c.pages, loc.String())
				case "sitemap":
					c.add(&c.maps, loc.String())
				}
			}
			if len(open) > 0 {
				open = open[:len(open)-1]
			}
		}
	}
}

// feed takes the addresses of a feed's items.
func (c *collector) feed(text string) error {
	if err := shallow(text); err != nil {
		return err
	}
	feed, err := gofeed.NewParser().ParseString(text)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSyntax, err)
	}
	for _, item := range feed.Items {
		if item.Link != "" {
			c.add(&c.pages, item.Link)
		}
	}
	return nil
}
