package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path"
	"strings"

	"legwork/internal/page"
	"legwork/internal/research"
)

// Bounds of the site maps of one site. By the protocol of sitemaps.org an index names only site maps, but on some sites
// an index names further indexes.
const (
	maxNested  = 3
	maxMaps    = 500    // greatest number of site maps that are read
	maxEntries = 50_000 // greatest number of pages that are queued
)

// isSiteMap reports whether a file is certainly a site map, judged by its name.
func isSiteMap(name string) bool {
	name = strings.ToLower(name)
	return strings.HasSuffix(name, ".xml") || strings.HasSuffix(name, ".xml.gz")
}

// mayBeSiteMap reports whether a file may be a site map, judged by its name: a text file, or a name that contains
// "sitemap". Only its content shows whether it is one.
func mayBeSiteMap(name string) bool {
	name = strings.ToLower(path.Base(name))
	if ending := path.Ext(name); ending == ".html" || ending == ".htm" || ending == ".xhtml" {
		return false
	}
	return strings.Contains(name, "sitemap") || strings.HasSuffix(name, ".txt") || strings.HasSuffix(name, ".txt.gz")
}

// errNoSiteMap means that a file has a name like that of a site map, but is not one.
var errNoSiteMap = errors.New("it is no site map")

// siteMap fetches a site map from the web and queues the pages that it names. It also fetches the site maps that it
// names; nested is the number of levels of site maps that may follow below this one. If the first site map cannot be
// read, siteMap returns an error that says why. A site map below it that cannot be read is only counted as a failure,
// like a page that cannot be read.
func (r *run) siteMap(ctx context.Context, at *url.URL, policy page.Policy, nested int) error {
	r.maps++
	v, file, err := r.web.Fetch(ctx, at.String(), policy)
	switch {
	case err != nil:
		return err
	case v.Outcome != research.OutcomeOK && nested == maxNested:
		return fmt.Errorf("the site map %s cannot be read: %s", at, v.Message)
	case v.Outcome != research.OutcomeOK:
		return r.record(ctx, v)
	}
	if final, err := page.ParseURL(v.FinalURL); err == nil {
		at = final // relative addresses are resolved against the final address of the site map
	}
	pages, maps, err := page.SiteMap(ctx, at, file)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil && nested == maxNested:
		return fmt.Errorf("%s: %w: %w", at, errNoSiteMap, err)
	case err != nil:
		v.Outcome, v.Message = research.OutcomeType, "It is no site map: "+err.Error()
		return r.record(ctx, v)
	}
	r.addAll(pages, policy)
	for _, m := range maps {
		u, err := page.ParseURL(m)
		if err != nil || nested == 0 || r.seen[u.String()] || policy.Refuse(u.Host) != "" || len(r.queue) >= maxEntries || r.maps >= maxMaps {
			continue
		}
		r.seen[u.String()] = true
		if err := r.siteMap(ctx, u, policy, nested-1); err != nil {
			return err
		}
	}
	return nil
}

// addAll queues the pages that the policy allows.
func (r *run) addAll(pages []string, policy page.Policy) {
	for _, raw := range pages {
		if u, err := page.ParseURL(raw); err == nil && policy.Refuse(u.Host) == "" && len(r.queue) < maxEntries {
			r.add(u.String(), 0)
		}
	}
}

// localSiteMap reads a site map from a file. The site map may name pages of several sites, but no further site maps.
// Relative addresses are resolved against the base URL, if one is given.
func (r *run) localSiteMap(ctx context.Context) error {
	f, err := os.Open(r.Target)
	if err != nil {
		return fmt.Errorf("open the site map: %w", err)
	}
	file, err := io.ReadAll(io.LimitReader(f, page.MaxSiteMap))
	_ = f.Close()
	if err != nil {
		return fmt.Errorf("read the site map: %w", err)
	}
	var base *url.URL
	if r.BaseURL != "" {
		if base, err = page.ParseURL(r.BaseURL); err != nil {
			return fmt.Errorf("the base URL %s cannot be used: %w", r.BaseURL, err)
		}
	}
	pages, maps, err := page.SiteMap(ctx, base, file)
	if err != nil {
		return fmt.Errorf("%s: %w: %w", r.Target, errNoSiteMap, err)
	}
	if len(maps) > 0 {
		return fmt.Errorf("%s is an index of site maps; name one of them, such as %s", r.Target, maps[0])
	}
	r.addAll(pages, r.Policy)
	return r.pages(ctx, r.Policy, 0)
}
