package page

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"legwork/internal/page/pdf"
	"legwork/internal/page/plaintext"
	"legwork/internal/page/reading"
)

// readPDF reads the text of a PDF. Each page begins with the heading "Page N", counted from the front cover, so that the heading path
// of each passage has the page number. A PDF has no links.
func (p *InProcess) readPDF(ctx context.Context, base *url.URL, body []byte) (r Reading, err error) {
	d, err := p.pdf.Read(ctx, body)
	switch {
	case errors.Is(err, pdf.ErrPassword):
		return r, fmt.Errorf("%w: %w", ErrPassword, err)
	case ctx.Err() != nil:
		return r, ctx.Err()
	case err != nil:
		return r, fmt.Errorf("%w: %w", ErrType, err)
	}
	r.Note = missing(d)
	var b strings.Builder
	for _, page := range d.Pages { // a page without text keeps its number, since empty pages are counted too
		fmt.Fprintf(&b, "\n\n## Page %d\n\n%s", page.Number, plaintext.Clean(page.Text))
	}
	if b.Len() == 0 {
		return r, ErrEmpty
	}
	name := plaintext.Fold(base.Path[strings.LastIndexByte(base.Path, '/')+1:])
	title := plaintext.Cut(plaintext.FirstOf(plaintext.Fold(d.Title), name, base.Hostname()), plaintext.MaxHeading)
	r.Page = plaintext.NewPage(title, plaintext.Language(d.Language), "# "+title+b.String())
	r.Page.PublishedAt, r.Page.ModifiedAt = plausible(d.Created), plausible(d.Modified)
	return r, nil
}

// plausible returns t, or nil if t is a date that must be a mistake.
func plausible(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	return reading.PlausibleTime(*t)
}

// missing describes the parts of a PDF that are not in its text. The result is empty if nothing is missing.
func missing(d pdf.Document) string {
	note := d.Omitted
	switch scanned := len(d.Scanned); {
	case scanned == 0:
	case len(d.Pages) == 0:
		note = fmt.Sprintf("All %d pages are pictures without text, as a scanner makes them; they were not read.", scanned)
	default:
		note = strings.TrimSpace(fmt.Sprintf("%d of %d pages are pictures without text, as a scanner makes them; they were not read. %s", scanned, d.Count, note))
	}
	return note
}
