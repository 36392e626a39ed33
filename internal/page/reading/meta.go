package reading

import (
	"encoding/json"
	"strings"
	"time"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"legwork/internal/page/plaintext"
	"legwork/internal/page/reading/dom"
	"legwork/internal/research"
)

// Limits for reading structured data (schema.org in JSON-LD).
const (
	maxLinkedData = 256 << 10 // bytes of one script
	maxDataLevels = 8         // levels of nested objects and lists
)

// facts are statements of a page about itself. If a page makes several statements of one kind, the first is used. The sources of a date are
// tried in the order of the fields.
type facts struct {
	canonical string
	article   bool // an article of a newspaper, a magazine or a blog
	thread    bool // questions with answers, or a discussion
	source    research.SourceKind

	publishedData, publishedMeta, publishedTime *time.Time // from JSON-LD, from <meta>, and from the first <time> in the content
	modifiedData, modifiedMeta                  *time.Time
}

// published returns when the page says that it was published, or nil.
func (f *facts) published() *time.Time {
	return firstTime(f.publishedData, f.publishedMeta, f.publishedTime)
}

func firstTime(times ...*time.Time) *time.Time {
	for _, t := range times {
		if t != nil {
			return t
		}
	}
	return nil
}

// describe copies the facts of a page to p. A canonical address on another site is ignored.
func (d *Document) describe(p *research.Page) {
	p.PublishedAt, p.Kind = d.facts.published(), d.facts.source
	p.ModifiedAt = firstTime(d.facts.modifiedData, d.facts.modifiedMeta)
	if d.facts.canonical == "" {
		return
	}
	if u, err := d.base.Join(d.facts.canonical); err == nil && d.in.SameSite(u, d.in.URL) {
		u.Fragment, u.RawFragment = "", ""
		if raw := plaintext.Clean(u.String()); len(raw) <= maxURL {
			p.Canonical = raw
		}
	}
}

// fact reads a <link>, <time> or JSON-LD <script> element.
func (s *scanner) fact(n *html.Node) {
	f := &s.doc.facts
	switch n.DataAtom {
	case atom.Link:
		for _, rel := range strings.Fields(strings.ToLower(dom.Attr(n, "rel"))) {
			if rel == "canonical" && f.canonical == "" {
				f.canonical = dom.Attr(n, "href")
			}
		}
	case atom.Time:
		if f.publishedTime == nil && !dom.Within(n, atom.Nav, atom.Footer, atom.Aside) {
			f.publishedTime = ParseTime(dom.Attr(n, "datetime"))
		}
	case atom.Script:
		if strings.EqualFold(strings.TrimSpace(dom.Attr(n, "type")), "application/ld+json") && n.FirstChild != nil && len(n.FirstChild.Data) <= maxLinkedData {
			var v any
			if json.Unmarshal([]byte(n.FirstChild.Data), &v) == nil {
				f.linkedData(v, maxDataLevels)
			}
		}
	}
}

// linkedData looks for dates in the schema.org properties of v, at any level of nesting. It uses the first date of each kind.
func (f *facts) linkedData(v any, levels int) {
	if levels == 0 {
		return
	}
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			f.linkedData(e, levels-1)
		}
	case map[string]any:
		if s, ok := v["datePublished"].(string); ok && f.publishedData == nil {
			f.publishedData = ParseTime(s)
		}
		if s, ok := v["dateModified"].(string); ok && f.modifiedData == nil {
			f.modifiedData = ParseTime(s)
		}
		f.kind(v["@type"])
		for _, key := range []string{"@graph", "mainEntity", "mainEntityOfPage"} {
			f.linkedData(v[key], levels-1)
		}
	}
}

// kind reads the schema.org type of the page.
func (f *facts) kind(v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			if s, ok := e.(string); ok {
				f.kind(s)
			}
		}
	case string:
		f.statedKind(v)
		f.article = f.article || strings.HasSuffix(v, "NewsArticle") || v == "Article" || v == "BlogPosting" || v == "Report" || v == "OpinionNewsArticle"
		f.thread = f.thread || v == "QAPage" || v == "DiscussionForumPosting"
	}
}

// metaDates are the names of <meta> elements with dates, from Open Graph, schema.org, Dublin Core, Highwire Press and common
// content management systems.
var (
	metaPublished = dom.WordSet("article:published_time og:article:published_time datepublished date dc.date dc.date.issued dcterms.date " +
		"dcterms.issued dcterms.created citation_publication_date citation_date parsely-pub-date pubdate publish-date sailthru.date")
	metaModified = dom.WordSet("article:modified_time og:updated_time og:article:modified_time datemodified last-modified lastmod dcterms.modified dc.date.modified")
)

// metaDate reads a <meta> element that has a date (metaPublished, metaModified) or says that the page is an article.
func (s *scanner) metaDate(n *html.Node, content string) {
	f := &s.doc.facts
	for _, key := range []string{"property", "name", "itemprop", "http-equiv"} {
		name := strings.ToLower(strings.TrimSpace(dom.Attr(n, key)))
		f.article = f.article || name == "og:type" && strings.HasPrefix(strings.ToLower(content), "article") || name == "article:published_time"
		if name == "citation_journal_title" || name == "citation_doi" { // Highwire Press: scientific articles have them
			f.source = research.SourcePrimary
		}
		if metaPublished[name] && f.publishedMeta == nil {
			f.publishedMeta = ParseTime(content)
		}
		if metaModified[name] && f.modifiedMeta == nil {
			f.modifiedMeta = ParseTime(content)
		}
	}
}

// timeForms are the formats of times that pages use. A time without a zone is read as UTC.
var timeForms = []string{
	time.RFC3339, "2006-01-02T15:04:05-0700", "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04",
	"2006-01-02 15:04:05-07:00", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly, "2006/01/02",
	"20060102", time.RFC1123, time.RFC1123Z, "January 2, 2006", "Jan 2, 2006", "2 January 2006", "2 Jan 2006",
}

// ParseTime parses a time or a date. It returns nil if s is neither, or if PlausibleTime rejects the result.
func ParseTime(s string) *time.Time {
	s = plaintext.Fold(s)
	for _, form := range timeForms {
		if t, err := time.Parse(form, s); err == nil {
			return PlausibleTime(t)
		}
	}
	return nil
}

// PlausibleTime returns nil for times that must be mistakes: before the web existed, or far in the future.
func PlausibleTime(t time.Time) *time.Time {
	if t = t.UTC(); t.Year() < 1980 || t.Year() > 2100 {
		return nil
	}
	return &t
}
