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

// Bounds of one document.
const (
	MaxPages = 1000    // pages that are read
	MaxText  = 4 << 20 // bytes of text of all pages together
	maxChars = 200_000 // characters of one page; a page with more is left out
	maxLooks = 20      // objects of a page without text that are looked at
)

var (
	// ErrPassword: the document opens only with a password.
	ErrPassword = errors.New("the PDF needs a password")
	// ErrBroken: the document is no PDF, or damaged beyond what PDFium repairs.
	ErrBroken = errors.New("the PDF is damaged or none at all")
)

// Document is the text of a PDF.
type Document struct {
	Title    string // of the metadata where it is one, else the largest line of the first page; may be empty
	Language string // as the document says, a BCP 47 tag; may be empty
	Created  *time.Time
	Modified *time.Time
	Count    int    // pages that the document has
	Pages    []Page // those that were read, in order
	Scanned  []int  // numbers of the pages that are pictures without text
	Omitted  string // what was left out because of a bound, as a sentence; empty: nothing
}

// Page is the text of one page.
type Page struct {
	Number int    // from 1, the cover
	Text   string // paragraphs, divided by empty lines; "### " before headings, "| … |" around the rows of tables
}

// Read reads a PDF. Errors are ErrPassword, ErrBroken and that of ctx, wrapped.
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
	pdfium pdfium.Pdfium
	ref    references.FPDF_DOCUMENT
	doc    Document
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
		glyphs, tooMany, err := r.glyphs(i)
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			continue // a damaged page does not cost the others
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
		pages = append(pages, arrange(i+1, glyphs))
	}
	if dense > 0 && r.doc.Omitted == "" {
		r.doc.Omitted = fmt.Sprintf("%d pages hold more than %d characters each and were left out.", dense, maxChars)
	}
	r.doc.render(pages)
	return nil
}

// describe reads the metadata.
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

// usefulTitle drops what programs write where a title belongs: names of files and of themselves.
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

// Time reads a date of ISO 32000-1 §7.9.4, such as D:20240514093000+02'00'; nil: it is none.
func Time(s string) *time.Time {
	s = strings.ReplaceAll(strings.TrimPrefix(strings.TrimSpace(s), "D:"), "'", "")
	for _, form := range []string{"20060102150405-0700", "20060102150405Z0700", "20060102150405Z", "20060102150405", "20060102"} {
		if t, err := time.Parse(form, s); err == nil {
			return &t
		}
	}
	return nil
}

// hasPicture reports whether a page without text shows a picture.
func (r *reader) hasPicture(index int) bool {
	page := requests.Page{ByIndex: &requests.PageByIndex{Document: r.ref, Index: index}}
	count, err := r.pdfium.FPDFPage_CountObjects(&requests.FPDFPage_CountObjects{Page: page})
	if err != nil {
		return false
	}
	for i := range min(count.Count, maxLooks) {
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
