package structured

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/mmcdole/gofeed"

	"legwork/internal/weburl"
)

// maxEntries is the greatest number of addresses in one site map (sitemaps.org protocol 0.9).
const maxEntries = 50_000

// SiteMap returns the addresses of pages and of further site maps that a site map lists, each once and in order. It reads XML site maps,
// indexes, feeds, and lists with one address per line. Relative addresses are resolved against base, which may be nil. Addresses that
// cannot be opened are left out. If the file is cut off, the addresses before the cut are returned. The error is ErrSyntax.
func SiteMap(ctx context.Context, text string, base *url.URL) (pages, maps []string, err error) {
	text = withoutDeclaration(text)
	c := collector{ctx: ctx, seen: map[string]bool{}}
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
	if ctx.Err() != nil {
		return nil, nil, ctx.Err()
	}
	return c.pages, c.maps, err
}

type collector struct {
	ctx         context.Context //nolint:containedctx // of the one call that it serves
	base        *weburl.Base    // may be nil
	seen        map[string]bool
	pages, maps []string
	rooted      bool // the root element was read
}

// add appends an address, and reports whether raw is an address.
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

// list reads one address per line. If most lines are not addresses, it returns ErrSyntax.
func (c *collector) list(text string) error {
	good, bad := 0, 0
	for line := range strings.Lines(text) {
		if c.ctx.Err() != nil {
			return c.ctx.Err()
		}
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
	d := newDecoder(c.ctx, text)
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
				switch open[n-2] { // a <loc> of a page or site map, not of an image on a page
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

// feed adds the addresses of a feed's items.
func (c *collector) feed(text string) error {
	if err := shallow(c.ctx, text); err != nil {
		return err
	}
	feed, err := gofeed.NewParser().Parse(newSource(c.ctx, text))
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
