package page

import (
	"net/url"
	"testing"

	"legwork/internal/research"
)

// TestKinds: the kind of a source comes from its schema.org type, or else from words in its address.
func TestKinds(t *testing.T) {
	t.Parallel()
	schema := func(kind string) string {
		return `<script type="application/ld+json">{"@type":"` + kind + `"}</script>`
	}
	for _, tt := range []struct {
		address, head string
		want          research.SourceKind
	}{
		{"https://example.org/kettle", "", ""},
		{"https://docs.example.org/kettle", "", research.SourceDocs},
		{"https://example.org/en/manual/kettle.html", "", research.SourceDocs},
		{"https://kettle.readthedocs.io/en/latest/", "", research.SourceDocs},
		{"https://news.example.co.uk/2024/kettle", "", research.SourceNews},
		{"https://example.org/news/kettle", "", research.SourceNews},
		{"https://forum.example.org/kettle", "", research.SourceForum},
		{"https://example.org/questions/17/why", "", research.SourceForum},
		{"https://www.example.gov/kettle", "", research.SourcePrimary},
		{"https://www.example.gov.uk/news/kettle", "", research.SourcePrimary},
		{"https://governance.example.org/", "", ""},
		{"https://gov.example.org/", "", ""},
		{"http://127.0.0.1:8080/kettle", "", ""},
		{"https://newspaper.example.org/forumla/docsy", "", ""},
		{"https://example.org/a", schema("NewsArticle"), research.SourceNews},
		{"https://docs.example.org/a", schema("QAPage"), research.SourceForum},
		{"https://example.org/a", schema("TechArticle"), research.SourceDocs},
		{"https://example.org/a", schema("BlogPosting"), ""},
		{"https://example.org/a", `<meta name="citation_doi" content="10.1/x">`, research.SourcePrimary},
	} {
		base, err := url.Parse(tt.address)
		if err != nil {
			t.Fatal(err)
		}
		p, _, err := Read(base, nil, []byte(`<!DOCTYPE html><html><head><title>T</title>`+tt.head+`</head><body><p>The kettle holds 1.7 litres of water.</p></body></html>`))
		if err != nil || p.Kind != tt.want {
			t.Errorf("%s %s: kind %q, want %q (%v)", tt.address, tt.head, p.Kind, tt.want, err)
		}
	}
}
