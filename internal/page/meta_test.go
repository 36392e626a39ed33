package page

import (
	"net/http"
	"net/url"
	"testing"
	"time"
)

// TestFacts: a page's own statements of its address, language and dates are read, unless they must be ignored.
func TestFacts(t *testing.T) {
	t.Parallel()
	base, err := url.Parse("https://docs.example.co.uk/manual/page.html?ref=mail")
	if err != nil {
		t.Fatal(err)
	}
	const day = "2024-05-14"
	for _, tt := range []struct {
		name, head, body                         string
		header                                   http.Header
		canonical, published, modified, language string // without a language that the page names, that of its text is expected
	}{
		{name: "nothing"},
		{name: "canonical", head: `<link rel="Canonical" href="/manual/page.html#top">`, canonical: "https://docs.example.co.uk/manual/page.html"},
		{name: "canonical on another host of the site", head: `<link rel=canonical href="https://WWW.example.co.uk/p">`, canonical: "https://www.example.co.uk/p"},
		{name: "canonical on another site", head: `<link rel=canonical href="https://evil.co.uk/p">`},
		{name: "canonical that is none", head: `<link rel=canonical href="javascript:alert(1)"><link rel=canonical href="">`},
		{name: "the first canonical counts", head: `<link rel=canonical href="/a"><link rel=canonical href="/b">`, canonical: "https://docs.example.co.uk/a"},
		{name: "article", head: `<meta property="article:published_time" content="2024-05-14T09:30:00+02:00"><meta property="og:updated_time" content="2024-06-01">`,
			published: "2024-05-14T07:30:00Z", modified: "2024-06-01T00:00:00Z"},
		{name: "Dublin Core", head: `<meta name="DC.date.issued" content="2024-05-14"><meta name="dcterms.modified" content="2024-06-01">`,
			published: day + "T00:00:00Z", modified: "2024-06-01T00:00:00Z"},
		{name: "JSON-LD wins", head: `<script type="application/ld+json">{"@context":"https://schema.org","@graph":[{"@type":"WebSite"},{"@type":"Article","datePublished":"2024-05-14","dateModified":"2024-06-01T12:00Z"}]}</script>
<meta property="article:published_time" content="1999-01-01">`, published: day + "T00:00:00Z", modified: "2024-06-01T12:00:00Z"},
		{name: "JSON-LD that is broken", head: `<script type="application/ld+json">{"datePublished":</script><meta name=date content="14 May 2024">`, published: day + "T00:00:00Z"},
		{name: "time in the text", body: `<nav><time datetime="2001-01-01">then</time></nav><p>Published <time datetime="2024-05-14T00:00:00Z">in May</time>, updated <time datetime="2025-01-01">later</time></p>`, published: day + "T00:00:00Z"},
		{name: "header", header: http.Header{"Last-Modified": {"Sat, 01 Jun 2024 10:00:00 GMT"}, "Content-Language": {"de-CH"}}, modified: "2024-06-01T10:00:00Z", language: "de"},
		{name: "not a date", head: `<meta name=date content="yesterday"><meta property="article:modified_time" content="0001-01-01T00:00:00Z">`},
		{name: "locale", head: `<meta property="og:locale" content="fr_FR">`, language: "fr"},
	} {
		if tt.language == "" {
			tt.language = "en"
		}
		doc := `<!DOCTYPE html><html><head><title>T</title>` + tt.head + `</head><body><main><h1>T</h1><p>The kettle holds 1.7 litres of water.</p>` + tt.body + `</main></body></html>`
		p, _, err := Read(base, tt.header, []byte(doc))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if p.Canonical != tt.canonical || show(p.PublishedAt) != tt.published || show(p.ModifiedAt) != tt.modified || p.Language != tt.language {
			t.Errorf("%s: %q, %s, %s, %q", tt.name, p.Canonical, show(p.PublishedAt), show(p.ModifiedAt), p.Language)
		}
	}
	p, _, err := Read(base, http.Header{"Content-Type": {"text/plain"}, "Last-Modified": {"Sat, 01 Jun 2024 10:00:00 GMT"}}, []byte("Some text."))
	if err != nil || show(p.ModifiedAt) != "2024-06-01T10:00:00Z" {
		t.Errorf("plain text: %+v, %v", p, err)
	}
}

func show(at *time.Time) string {
	if at == nil {
		return ""
	}
	return at.Format(time.RFC3339)
}
