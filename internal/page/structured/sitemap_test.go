package structured

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
)

func TestSiteMap(t *testing.T) {
	t.Parallel()
	base := &url.URL{Scheme: "http", Host: "a.example", Path: "/maps/map.xml"}
	const two = `<?xml version="1.0" encoding="ISO-8859-1"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url><loc>https://a.example/1</loc></url>` +
		`<url><loc> HTTPS://A.example:443/2#part\n</loc><lastmod>2026-01-01</lastmod></url></urlset>`
	for name, tt := range map[string]struct {
		text, pages, maps, err string
	}{
		"pages":               {text: two, pages: "https://a.example/1 https://a.example/2"},
		"space before":        {text: "\n \uFEFF" + two, pages: "https://a.example/1 https://a.example/2"},
		"an index":            {text: `<sitemapindex><sitemap><loc>https://a.example/s1.xml</loc></sitemap><sitemap><loc>x.xml</loc></sitemap></sitemapindex>`, maps: "https://a.example/s1.xml http://a.example/maps/x.xml"},
		"relative":            {text: `<urlset><url><loc>/x</loc></url><url><loc>y?a=1</loc></url><url><loc>//b.example/z</loc></url></urlset>`, pages: "http://a.example/x http://a.example/maps/y?a=1 http://b.example/z"},
		"twice":               {text: `<urlset><url><loc>http://a.example/</loc></url><url><loc>http://A.EXAMPLE</loc></url></urlset>`, pages: "http://a.example/"},
		"an image":            {text: `<urlset xmlns:i="http://www.google.com/schemas/sitemap-image/1.1"><url><i:image><i:loc>http://a.example/i.png</i:loc></i:image><loc>http://a.example/</loc></url></urlset>`, pages: "http://a.example/"},
		"a video":             {text: `<urlset xmlns:v="urn:v"><url><loc>http://a.example/</loc><v:video><v:player_loc>http://a.example/v</v:player_loc></v:video></url></urlset>`, pages: "http://a.example/"},
		"a prefix":            {text: `<s:urlset xmlns:s="http://www.sitemaps.org/schemas/sitemap/0.9"><s:url><s:loc>http://a.example/</s:loc></s:url></s:urlset>`, pages: "http://a.example/"},
		"in capitals":         {text: `<URLSET><URL><LOC>http://a.example/</LOC></URL></URLSET>`, pages: "http://a.example/"},
		"CDATA":               {text: `<urlset><url><loc> <![CDATA[http://a.example/?a=1&b=2]]> </loc></url></urlset>`, pages: "http://a.example/?a=1&b=2"},
		"bare ampersand":      {text: `<urlset><url><loc>http://a.example/?a=1&b=2&copy=3</loc></url></urlset>`, pages: "http://a.example/?a=1&b=2&copy=3"},
		"comment inside":      {text: `<urlset><!-- x --><url><loc>http://a.example/<!-- y -->1</loc></url></urlset>`, pages: "http://a.example/1"},
		"no web":              {text: `<urlset><url><loc>file:///etc/passwd</loc></url><url><loc>javascript:1</loc></url><url><loc>http://u:p@a.example/</loc></url><url><loc></loc></url></urlset>`},
		"spaces in addresses": {text: `<urlset><url><loc>http://a.example/a b/100%</loc></url></urlset>`, pages: "http://a.example/a%20b/100%25"},
		"entities":            {text: `<!DOCTYPE urlset [<!ENTITY b "bbbb"><!ENTITY x SYSTEM "file:///etc/passwd">]><urlset><url><loc>http://a.example/&b;</loc></url></urlset>`, pages: "http://a.example/&b;"},
		"a list":              {text: "http://a.example/1\r\n\r\n  https://a.example/2  \n# comment\n/three\n", pages: "http://a.example/1 https://a.example/2 http://a.example/three"},
		"a list of one":       {text: "http://a.example/1", pages: "http://a.example/1"},
		"RSS":                 {text: `<rss version="2.0"><channel><item><link>http://a.example/1</link></item><item><title>x</title></item></channel></rss>`, pages: "http://a.example/1"},
		"Atom":                {text: `<feed xmlns="http://www.w3.org/2005/Atom"><entry><link href="http://a.example/1"/></entry></feed>`, pages: "http://a.example/1"},
		"cut":                 {text: two[:len(two)-30], pages: "https://a.example/1 https://a.example/2"},
		"nothing in it":       {text: `<urlset></urlset>`},
		"empty":               {text: " \n", err: "empty"},
		"text":                {text: "This is a text.\nIt has lines.", err: "neither"},
		"text with addresses": {text: "See\nhttp://a.example/1\nfor more.\nOr not.", err: "neither"},
		"HTML":                {text: "<html><p>Not found</html>", err: "begins with <html>"},
		"cut at once":         {text: "<urlset><url><loc>http://a.exa", err: "EOF"},
		"only a comment":      {text: "<!-- x -->", err: "EOF"},
	} {
		pages, maps, err := SiteMap(t.Context(), tt.text, base)
		if (err == nil) != (tt.err == "") || err != nil && (!strings.Contains(err.Error(), tt.err) || !errors.Is(err, ErrSyntax)) {
			t.Errorf("%s: error %v", name, err)
		}
		if strings.Join(pages, " ") != tt.pages || strings.Join(maps, " ") != tt.maps {
			t.Errorf("%s: pages %q, maps %q", name, pages, maps)
		}
	}
	if pages, _, err := SiteMap(t.Context(), "<urlset><url><loc>/x</loc></url><url><loc>http://a.example/</loc></url></urlset>", nil); err != nil || len(pages) != 1 {
		t.Errorf("without a base: %q, %v", pages, err)
	}
}

// TestSiteMapIsBounded: at most maxEntries addresses are kept, and deep nesting is refused.
func TestSiteMapIsBounded(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("<urlset>")
	for i := range maxEntries + 10 {
		fmt.Fprintf(&b, "<url><loc>http://a.example/%d</loc></url>", i)
	}
	if pages, _, err := SiteMap(t.Context(), b.String()+"</urlset>", nil); err != nil || len(pages) != maxEntries {
		t.Errorf("%d pages, %v", len(pages), err)
	}
	if _, _, err := SiteMap(t.Context(), "<urlset>"+strings.Repeat("<a>", 100_000), nil); !errors.Is(err, ErrSyntax) {
		t.Errorf("deep: %v", err)
	}
}
