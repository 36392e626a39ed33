package ingest

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"legwork/internal/page"
	"legwork/internal/research"
)

// Bounds of site maps (sitemaps.org protocol 0.9: 50,000 addresses and 50 MB each, indexes are not nested).
const (
	maxNested  = 1
	maxMaps    = 500      // of one index
	maxMapSize = 50 << 20 // bytes, unpacked
	maxEntries = 50_000
)

func isSiteMap(name string) bool {
	name = strings.ToLower(name)
	return strings.HasSuffix(name, ".xml") || strings.HasSuffix(name, ".xml.gz")
}

// siteMap queues the addresses of a site map on the web, and of those that an index names.
func (r *run) siteMap(ctx context.Context, url string, policy page.Policy, nested int) error {
	v, body, err := r.web.Fetch(ctx, url, policy)
	switch {
	case err != nil:
		return err
	case v.Outcome != research.OutcomeOK && nested == maxNested:
		return fmt.Errorf("the site map %s cannot be read: %s", url, v.Message)
	case v.Outcome != research.OutcomeOK: // one of many
		return r.take(ctx, v)
	}
	maps, err := r.entries(body, policy)
	if err != nil && nested < maxNested {
		v.Outcome, v.Message = research.OutcomeType, "It is no site map: "+err.Error()
		return r.take(ctx, v)
	}
	if err != nil {
		return fmt.Errorf("%s is no site map: %w", url, err)
	}
	for _, m := range maps[:min(len(maps), maxMaps)] {
		u, err := page.ParseURL(m)
		if err != nil || nested == 0 || policy.Refuse(u.Host) != "" || len(r.queue) >= maxEntries {
			continue
		}
		if err := r.siteMap(ctx, u.String(), policy, nested-1); err != nil {
			return err
		}
	}
	return nil
}

// localSiteMap reads a site map that lies on disk. It may name pages of several sites, but no other site maps.
func (r *run) localSiteMap(ctx context.Context) error {
	f, err := os.Open(r.Target)
	if err != nil {
		return fmt.Errorf("open the site map: %w", err)
	}
	body, err := io.ReadAll(io.LimitReader(f, maxMapSize))
	_ = f.Close()
	if err != nil {
		return fmt.Errorf("read the site map: %w", err)
	}
	maps, err := r.entries(body, r.Policy)
	if err != nil {
		return fmt.Errorf("%s is no site map: %w", r.Target, err)
	}
	if len(maps) > 0 {
		return fmt.Errorf("%s is an index of site maps; name one of them, such as %s", r.Target, maps[0])
	}
	return r.pages(ctx, r.Policy, 0)
}

// entries queues the pages that a site map names, and gives the site maps that it names.
func (r *run) entries(body []byte, policy page.Policy) (maps []string, err error) {
	if bytes.HasPrefix(body, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		if body, err = io.ReadAll(io.LimitReader(z, maxMapSize)); err != nil {
			return nil, err
		}
	}
	d := xml.NewDecoder(bytes.NewReader(body))
	d.Strict = false
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // addresses are ASCII
	var root, entry string
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		start, ok := t.(xml.StartElement)
		if !ok {
			continue
		}
		switch name := start.Name.Local; {
		case root == "":
			if root = name; root != "urlset" && root != "sitemapindex" {
				return nil, fmt.Errorf("it begins with <%s>", name)
			}
		case name == "url" || name == "sitemap":
			entry = name
		case name == "loc" && start.Name.Space != "http://www.google.com/schemas/sitemap-image/1.1":
			var loc string
			if err := d.DecodeElement(&loc, &start); err != nil {
				return nil, err
			}
			if loc = strings.TrimSpace(loc); entry == "sitemap" {
				maps = append(maps, loc)
			} else if u, err := page.ParseURL(loc); err == nil && policy.Refuse(u.Host) == "" && len(r.queue) < maxEntries {
				r.add(u.String(), 0)
			}
		}
	}
	if root == "" {
		return nil, errors.New("it is empty")
	}
	return maps, nil
}
