package page

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/ledongthuc/pdf"

	"legwork/internal/page/plaintext"
	"legwork/internal/page/reading"
	"legwork/internal/research"
)

// maxPDFPages bounds the work on one PDF.
const maxPDFPages = 500

// FromPDF reads the text of a PDF. Each page begins with the heading "Page N", counted from the front cover, so that the
// snapshot keeps the borders of pages and every passage names its page. It has no links. Errors are ErrEmpty (a scan has no
// text) and ErrType.
func FromPDF(base *url.URL, body []byte) (p research.Page, err error) {
	err = guarded(func() (err error) { // the library panics over what it does not expect
		p, err = readPDF(base, body)
		return err
	})
	return p, err
}

func readPDF(base *url.URL, body []byte) (research.Page, error) {
	r, err := pdf.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		return research.Page{}, fmt.Errorf("%w: %w", ErrType, err)
	}
	var b strings.Builder
	for i := 1; i <= min(r.NumPage(), maxPDFPages); i++ {
		content := r.Page(i)
		if content.V.IsNull() {
			continue
		}
		text, err := content.GetPlainText(nil)
		if err != nil {
			continue
		}
		if text = strings.TrimSpace(plaintext.Clean(text)); text != "" { // a page without text keeps its number
			fmt.Fprintf(&b, "\n\n## Page %d\n\n%s", i, unhead(text))
		}
	}
	if b.Len() == 0 {
		return research.Page{}, ErrEmpty
	}
	info := r.Trailer().Key("Info")
	title := plaintext.Cut(plaintext.FirstOf(plaintext.Fold(info.Key("Title").Text()), plaintext.Fold(base.Path[strings.LastIndexByte(base.Path, '/')+1:]), base.Hostname()), plaintext.MaxHeading)
	p := plaintext.NewPage(title, plaintext.Language(r.Trailer().Key("Root").Key("Lang").Text()), "# "+title+b.String())
	p.PublishedAt, p.ModifiedAt = pdfTime(info.Key("CreationDate").Text()), pdfTime(info.Key("ModDate").Text())
	return p, nil
}

// unhead keeps lines of a document from being taken for headings of ours.
func unhead(text string) string {
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		if level, _ := plaintext.HeadingLine(strings.TrimLeft(l, " ")); level > 0 {
			lines[i] = "\u2060" + l // word joiner: reads the same, and quotes are matched without it
		}
	}
	return strings.Join(lines, "\n")
}

// pdfTime reads a date of ISO 32000-1 §7.9.4, such as D:20240514093000+02'00'.
func pdfTime(s string) *time.Time {
	s = strings.ReplaceAll(strings.TrimPrefix(strings.TrimSpace(s), "D:"), "'", "")
	for _, form := range []string{"20060102150405-0700", "20060102150405Z0700", "20060102150405Z", "20060102150405", "20060102"} {
		if t, err := time.Parse(form, s); err == nil {
			return reading.PlausibleTime(t)
		}
	}
	return nil
}
