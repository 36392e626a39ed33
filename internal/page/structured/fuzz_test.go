package structured

import (
	"context"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"legwork/internal/testcost"
)

// FuzzDocuments reads any text as each kind of document. Output, time and memory must be bounded by the length of the text.
func FuzzDocuments(f *testing.F) {
	for _, s := range []string{
		`<rss version="2.0"><channel><title>a</title><item><title>b</title><description>&lt;p&gt;c</description></item></channel></rss>`,
		`<feed xmlns="http://www.w3.org/2005/Atom"><entry><title type="html">a</title><content type="xhtml"><div>b</div></content></entry></feed>`,
		`{"version":"https://jsonfeed.org/version/1","items":[{"content_html":"<p>a"}]}`, `[{"a":[1,null,"\u00fc<b>x</b>"]}]{"b":{}}`,
		`<opml><body><outline text="a" xmlUrl="http://a/"><outline/></outline></body></opml>`, "a;b\n\"c\nd\";2\n", "sep=;\na;b",
		`<a b="c"><d>e <f>g</f> h</d><![CDATA[<i>]]>&amp;&nbsp;</a>`, `<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`, `<html xmlns="x"><script/><p>a<br/>b</p></html>`,
		"<sitemapindex><sitemap><loc>/a", "http://a.example/\n/b", "---\ntitle: a\n---\n> > - - 1. b", strings.Repeat("<a>", 200),
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		text = strings.ToValidUTF8(text, "\uFFFD")
		out := 0
		testcost.Check(t, len(text), testcost.Limit{Time: 20 * time.Microsecond, Alloc: 4000}, func() { out = documents(t, text) })
		if most := 1000 + 60*len(text); out > most {
			t.Errorf("%d bytes of %d", out, len(text))
		}
	})
}

// documents reads text as each kind of document, and returns the length of the longest output.
func documents(t *testing.T, text string) (out int) {
	pages := []func(context.Context, string) (string, string, error){Feed, Outline, JSON, XML,
		func(ctx context.Context, s string) (string, string, error) { return Table(ctx, "a", s) }}
	for _, read := range pages {
		s, _, err := read(t.Context(), text)
		if err == nil {
			out = max(out, len(s))
			if _, err := html.Parse(strings.NewReader(s)); err != nil {
				t.Errorf("what was made of it cannot be parsed: %v", err)
			}
		}
	}
	if s, ok := XHTML(t.Context(), text); ok {
		out = max(out, len(s))
	}
	_, rest := FrontMatter(text)
	out = max(out, len(ShallowMarkdown(rest)))
	Links(text)
	_, _, _ = SiteMap(t.Context(), text, nil)
	return out
}
