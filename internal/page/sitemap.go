package page

import (
	"context"
	"net/url"

	"legwork/internal/page/representation"
	"legwork/internal/page/structured"
)

// MaxSiteMap is the greatest size of a site map, in bytes (sitemaps.org protocol 0.9). Larger ones are cut off.
const MaxSiteMap = 50 << 20

// SiteMap reads a site map, which may be compressed. It returns the addresses of pages and of further site maps. base is its address,
// and may be nil. The error is a sentence for the user that says why the file is not a site map.
func SiteMap(ctx context.Context, base *url.URL, file []byte) (pages, maps []string, err error) {
	file, _, err = representation.Unpack(nil, file, MaxSiteMap)
	if err != nil {
		return nil, nil, err
	}
	text, _ := representation.Text(file, "application/xml")
	return structured.SiteMap(ctx, text, base)
}
