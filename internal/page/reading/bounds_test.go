package reading

import (
	"fmt"
	"strings"
	"testing"
)

// TestBounded checks what is left of documents with more links or elements than are parsed.
func TestBounded(t *testing.T) {
	t.Parallel()
	links := func(n int) string { return strings.Repeat("<a href=/x>x</a> ", n) }
	paragraphs := func(n int) string { return strings.Repeat("<p>y", n) }
	const title = "<title>T</title>"
	// Nothing of these is a link.
	harmless := "<!-- <a href=/c>c</a> --><script>'<a href=/s>s</a>'</script><textarea><a href=/t>t</a></textarea><abbr title='<a href=/u>'>u</abbr>"
	for name, tt := range map[string]struct {
		in, want string
		cut      cut
	}{
		"small":               {title + links(3), title + links(3), cut{}},
		"many links":          {title + links(maxLinkTags), title + links(maxLinkTags), cut{}},
		"more links":          {title + links(maxLinkTags+2) + "<p>z</p>", title + links(maxLinkTags) + "x x <p>z</p>", cut{links: true}},
		"an open link":        {links(maxLinkTags-1) + "<A HREF=/x>x<a href=/y>y</a><b>z</b></a>", links(maxLinkTags-1) + "<A HREF=/x>xy</a><b>z</b>", cut{links: true}},
		"no links":            {links(maxLinkTags) + harmless, links(maxLinkTags) + harmless, cut{}},
		"no links after some": {links(maxLinkTags+1) + harmless, links(maxLinkTags) + "x " + harmless, cut{links: true}},
		"elements":            {paragraphs(maxElements) + "</p>z", paragraphs(maxElements) + "</p>z", cut{}},
		"more elements":       {paragraphs(maxElements+1) + "</p>z", paragraphs(maxElements), cut{elements: true}},
		"more of both":        {links(maxLinkTags+1) + paragraphs(maxElements), links(maxLinkTags) + "x " + paragraphs(maxElements-maxLinkTags), cut{true, true}},
		"an open tag":         {paragraphs(maxLinkTags+1) + "<a href=", paragraphs(maxLinkTags+1) + "<a href=", cut{}},
	} {
		if got, left := bounded(tt.in); got != tt.want || left != tt.cut {
			t.Errorf("%s: %d bytes became %d, want %d, %+v; the end is %q", name, len(tt.in), len(got), len(tt.want), left, got[max(0, len(got)-80):])
		}
	}
}

// TestPageWithMoreLinks reads a page with ten times as many links as are parsed.
func TestPageWithMoreLinks(t *testing.T) {
	t.Parallel()
	var s strings.Builder
	for i := range 10 * maxLinkTags {
		fmt.Fprintf(&s, "<a href=/%d>k%[1]d</a>\n", i)
	}
	d := Parse(Input{Text: "<title>Links</title>" + s.String() + "<p>The kettle holds 1.7 litres of water, and never more than that.</p>", URL: pageURL})
	if len(d.Links) != maxLinks || !d.MoreLinks || d.Cut || d.Links[0].URL != "https://docs.example.com/0" {
		t.Errorf("%d links, the first %+v, more: %v, cut: %v", len(d.Links), d.Links[0], d.MoreLinks, d.Cut)
	}
	p, err := d.Page()
	if err != nil || !strings.Contains(p.Text, "The kettle holds 1.7 litres") {
		t.Errorf("%v: %d bytes of text", err, len(p.Text))
	}
}
