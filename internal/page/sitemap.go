package page

import (
	"net/url"

	"legwork/internal/page/representation"
	"legwork/internal/page/structured"
)

// MaxSiteMap is the greatest size of a site map, in bytes (sitemaps.org protocol 0.9). Larger ones are cut off.
const MaxSiteMap = 50 << 20

// SiteMap reads a site map that was found at base, which may be nil: the addresses of pages and of further site maps. It may be
// packed. The error says in words for the user why it is none.
func SiteMap(base *url.URL, file []byte) (pages, maps []string, err error) {
	file, _, err = representation.Unpack(nil, file, MaxSiteMap)
	if err != nil {
		return nil, nil, err
	}
	text, _ := representation.Text(file, "application/xml")
	return structured.SiteMap(text, base)
}
