package pdf

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	pdfium "github.com/klippa-app/go-pdfium"
	"github.com/klippa-app/go-pdfium/enums"
	pdfiumerrors "github.com/klippa-app/go-pdfium/errors"
	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"
)

// Limits for one document.
const (
	MaxPages   = 1000    // pages that are read
	MaxText    = 4 << 20 // bytes of text in all pages together
	maxChars   = 200_000 // characters of one page; a page with more is left out
	maxObjects = 20      // objects that are examined on a page without text, to find a picture
)

var (
	// ErrPassword means that the document cannot be opened without a password.
	ErrPassword = errors.New("the PDF needs a password")
	// ErrBroken means that the file is not a PDF, or is too damaged for PDFium to repair.
	ErrBroken = errors.New("the PDF is damaged or none at all")
)

// Document is the text of a PDF.
type Document struct {
	Title    string // title in the metadata, or the largest line of the first page if the metadata has no real title; may be empty
	Language string // BCP 47 tag that the document declares; may be empty
	Created  *time.Time
	Modified *time.Time
	Count    int    // number of pages in the document
	Pages    []Page // pages with text, in order
	Scanned  []int  // numbers of the pages that show a picture and have no text
	Omitted  string // a sentence that says what was left out because of a limit; empty if nothing was left out
}

// Page is the text of one page.
type Page struct {
	Number int    // 1 is the front cover
	Text   string // Markdown: paragraphs separated by empty lines, "### " before headings, "| … |" around table rows
}

// Read reads a PDF. Its error wraps ErrPassword, ErrBroken or the error of ctx.
func (e *Engine) Read(ctx context.Context, body []byte) (d Document, err error) {
	err = e.with(ctx, func(p pdfium.Pdfium) error {
		opened, err := p.OpenDocument(&requests.OpenDocument{File: &body})
		switch {
		case errors.Is(err, pdfiumerrors.ErrPassword):
			return ErrPassword
		case err != nil:
			return fmt.Errorf("%w: %w", ErrBroken, err)
		}
		r := reader{pdfium: p, ref: opened.Document}
		err = r.read(ctx)
		d = r.doc
		return err
	})
	return d, err
}

// reader reads one open document.
type reader struct {
	pdfium  pdfium.Pdfium
	ref     references.FPDF_DOCUMENT
	doc     Document
	objects int // number of page objects that the method rules has examined so far
}

func (r *reader) read(ctx context.Context) error {
	count, err := r.pdfium.FPDF_GetPageCount(&requests.FPDF_GetPageCount{Document: r.ref})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBroken, err)
	}
	r.doc.Count = count.PageCount
	r.describe()
	if r.doc.Count > MaxPages {
		r.doc.Omitted = fmt.Sprintf("Only the first %d of %d pages were read.", MaxPages, r.doc.Count)
	}
	var pages []layout
	size, dense := 0, 0
	for i := range min(r.doc.Count, MaxPages) {
		if err := ctx.Err(); err != nil {
			return err
		}
		glyphs, turn, tooMany, err := r.glyphs(i)
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			continue // if one page is damaged, the other pages are read
		}
		if tooMany {
			dense++
		}
		if !hasText(glyphs) {
			if r.hasPicture(i) {
				r.doc.Scanned = append(r.doc.Scanned, i+1)
			}
			continue
		}
		for _, g := range glyphs {
			size += len(g.text)
		}
		if size > MaxText {
			r.doc.Omitted = fmt.Sprintf("Only the first %d of %d pages were read: they hold %d MB of text.", i, r.doc.Count, MaxText>>20)
			break
		}
		pages = append(pages, arrange(i+1, glyphs, func() []rule { return r.rules(i, turn) }))
	}
	if dense > 0 && r.doc.Omitted == "" {
		r.doc.Omitted = fmt.Sprintf("%d pages hold more than %d characters each and were left out.", dense, maxChars)
	}
	r.doc.render(pages)
	return nil
}

// describe reads title, dates and language from the metadata.
func (r *reader) describe() {
	r.doc.Title = usefulTitle(r.meta("Title"))
	r.doc.Created, r.doc.Modified = Time(r.meta("CreationDate")), Time(r.meta("ModDate"))
	if l, err := r.pdfium.FPDFCatalog_GetLanguage(&requests.FPDFCatalog_GetLanguage{Document: r.ref}); err == nil {
		r.doc.Language = l.Language
	}
}

func (r *reader) meta(tag string) string {
	m, err := r.pdfium.FPDF_GetMetaText(&requests.FPDF_GetMetaText{Document: r.ref, Tag: tag})
	if err != nil {
		return ""
	}
	return strings.Join(strings.Fields(readable(m.Value)), " ")
}

// usefulTitle returns title, or "" if a program has filled it in: with a file name, or with the program's own name.
func usefulTitle(title string) string {
	lower := strings.ToLower(title)
	if !strings.ContainsFunc(title, isLetter) || lower == "untitled" || strings.HasPrefix(lower, "microsoft word") {
		return ""
	}
	for _, ending := range []string{".doc", ".docx", ".dvi", ".tex", ".pdf", ".odt", ".indd", ".rtf", ".ps"} {
		if strings.HasSuffix(lower, ending) {
			return ""
		}
	}
	return title
}

// Time parses a PDF date (ISO 32000-1 §7.9.4) such as D:20240514093000+02'00'. It returns nil if s is not a date.
func Time(s string) *time.Time {
	s = strings.ReplaceAll(strings.TrimPrefix(strings.TrimSpace(s), "D:"), "'", "")
	for _, form := range []string{"20060102150405-0700", "20060102150405Z0700", "20060102150405Z", "20060102150405", "20060102"} {
		if t, err := time.Parse(form, s); err == nil {
			return &t
		}
	}
	return nil
}

// hasPicture reports whether a page shows a picture: an image, or a form that may contain one.
func (r *reader) hasPicture(index int) bool {
	page := requests.Page{ByIndex: &requests.PageByIndex{Document: r.ref, Index: index}}
	count, err := r.pdfium.FPDFPage_CountObjects(&requests.FPDFPage_CountObjects{Page: page})
	if err != nil {
		return false
	}
	for i := range min(count.Count, maxObjects) {
		object, err := r.pdfium.FPDFPage_GetObject(&requests.FPDFPage_GetObject{Page: page, Index: i})
		if err != nil {
			return false
		}
		kind, err := r.pdfium.FPDFPageObj_GetType(&requests.FPDFPageObj_GetType{PageObject: object.PageObject})
		if err == nil && (kind.Type == enums.FPDF_PAGEOBJ_IMAGE || kind.Type == enums.FPDF_PAGEOBJ_FORM) {
			return true
		}
	}
	return false
}
