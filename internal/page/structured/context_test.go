package structured

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
)

// countdown is a context whose Err returns nil a given number of times, and context.Canceled from then on.
type countdown struct {
	context.Context
	left atomic.Int64
}

func (c *countdown) Err() error {
	if c.left.Add(-1) < 0 {
		return context.Canceled
	}
	return nil
}

// TestParsersGiveUp: each parser stops soon after its context has ended, in the middle of a document. A parser that does not stop would
// check the context for each piece of the document.
func TestParsersGiveUp(t *testing.T) {
	t.Parallel()
	const times = 100_000
	item := "<item><title>a</title><link>http://a.example/</link></item>"
	for name, tt := range map[string]struct {
		text string
		read func(ctx context.Context, text string) error
	}{
		"feed":    {"<rss version='2.0'><channel>" + strings.Repeat(item, times/20) + "</channel></rss>", func(ctx context.Context, s string) error { _, _, err := Feed(ctx, s); return err }},
		"outline": {"<opml><body>" + strings.Repeat("<outline text='a'/>", times) + "</body></opml>", func(ctx context.Context, s string) error { _, _, err := Outline(ctx, s); return err }},
		"table":   {strings.Repeat("a,b\n", times/2), func(ctx context.Context, s string) error { _, _, err := Table(ctx, "t", s); return err }},
		"JSON":    {"[" + strings.Repeat("1,", times) + "1]", func(ctx context.Context, s string) error { _, _, err := JSON(ctx, s); return err }},
		"XML":     {"<a>" + strings.Repeat("<b>1</b>", times) + "</a>", func(ctx context.Context, s string) error { _, _, err := XML(ctx, s); return err }},
		"XHTML":   {"<html>" + strings.Repeat("<p>1</p>", times) + "</html>", func(ctx context.Context, s string) error { XHTML(ctx, s); return nil }},
		"map":     {"<urlset>" + strings.Repeat("<url><loc>http://a.example/</loc></url>", times/10) + "</urlset>", func(ctx context.Context, s string) error { _, _, err := SiteMap(ctx, s, nil); return err }},
		"list":    {strings.Repeat("http://a.example/\n", times/10), func(ctx context.Context, s string) error { _, _, err := SiteMap(ctx, s, nil); return err }},
	} {
		whole := &countdown{Context: t.Context()}
		whole.left.Store(1 << 40)
		if err := tt.read(whole, tt.text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		looks := 1<<40 - whole.left.Load() // the number of times that a parser checks its context if it reads the whole document
		if looks < 10 {
			t.Errorf("%s: the context is looked at %d times in %d bytes", name, looks, len(tt.text))
		}
		early := &countdown{Context: t.Context()}
		early.left.Store(looks / 2)
		_ = tt.read(early, tt.text)
		if after := -early.left.Load(); after > 5 {
			t.Errorf("%s: the context was looked at %d times after its end", name, after)
		}
	}
}
