package page

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"

	"github.com/ledongthuc/pdf"

	"legwork/internal/research"
)

// maxPDFPages bounds the work on one PDF.
const maxPDFPages = 500

// FromPDF reads the text of a PDF, one block per page. It has no links. Errors are ErrEmpty (a scan has no text) and
// ErrType.
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
		b.WriteString(strings.TrimSpace(Clean(text)))
		b.WriteString("\n\n")
	}
	text := strings.TrimSpace(b.String())
	if text == "" {
		return research.Page{}, ErrEmpty
	}
	title := fold(r.Trailer().Key("Info").Key("Title").Text())
	if title == "" {
		title = fold(base.Path[strings.LastIndexByte(base.Path, '/')+1:])
	}
	return newPage(cut(title, maxHeading), "", text), nil
}
