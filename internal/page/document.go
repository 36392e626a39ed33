package page

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	markdownhtml "github.com/yuin/goldmark/renderer/html"
	"golang.org/x/net/html"

	"legwork/internal/page/plaintext"
	"legwork/internal/page/representation"
	"legwork/internal/page/structured"
	"legwork/internal/research"
)

var (
	// ErrType means that the document is of a type that is not read, or is too broken to read.
	ErrType = errors.New("the document cannot be read as text")
	// ErrPassword means that the document is encrypted and opens only with a password.
	ErrPassword = errors.New("the document needs a password")
	// ErrLimit means that reading the document would exceed the time or memory for one document.
	ErrLimit = errors.New("the document is too complex to read")
)

// Read reads one document in this process, for callers that need only the page and its links. Its errors are the same as those of a Reader.
func Read(base *url.URL, header http.Header, body []byte) (research.Page, []research.Link, error) {
	reader := NewInProcess("")
	defer reader.Close()
	r, err := reader.Read(context.Background(), base, header, body)
	return r.Page, r.Links, err
}

// parse reads a document by its kind.
func (p *InProcess) parse(ctx context.Context, base *url.URL, header http.Header, body []byte) (Reading, error) {
	kind := representation.KindOf(header.Get("Content-Type"), base, body)
	switch kind {
	case representation.Binary:
		return Reading{}, fmt.Errorf("%w: %s", ErrType, header.Get("Content-Type"))
	case representation.PDF:
		return p.readPDF(ctx, base, body)
	}
	text, charset := representation.Text(body, header.Get("Content-Type"))
	d := source{base: base, language: header.Get("Content-Language"), text: text, charset: charset}
	switch kind {
	case representation.HTML:
		return d.html(text, false)
	case representation.XHTML:
		if page, ok := structured.XHTML(ctx, text); ok {
			return d.html(page, false)
		}
		return d.html(text, false)
	case representation.Markdown:
		return d.markdown()
	case representation.Feed:
		return d.structured(ctx, structured.Feed)
	case representation.Outline:
		return d.structured(ctx, structured.Outline)
	case representation.Table:
		return d.structured(ctx, func(ctx context.Context, text string) (string, string, error) {
			return structured.Table(ctx, d.name(), text)
		})
	case representation.JSON:
		return d.lines(ctx, structured.JSON)
	case representation.XML:
		return d.lines(ctx, structured.XML)
	}
	return d.plain(text, "")
}

// source is a document that was decoded to text.
type source struct {
	base     *url.URL
	language string // from the Content-Language header
	text     string // in UTF-8
	charset  string // charset of the original document, by its name in the WHATWG Encoding standard
}

// name returns the last part of the document's address, which serves as a title for a document without one.
func (d source) name() string {
	return plaintext.Cut(plaintext.Fold(d.base.Path[strings.LastIndexByte(d.base.Path, '/')+1:]), plaintext.MaxHeading)
}

// html reads an HTML page. If whole is true, the entire page is content. If a login or CAPTCHA page replaces the content, its text is
// dropped.
func (d source) html(text string, whole bool) (r Reading, err error) {
	doc := parseHTML(d, text, whole)
	r = Reading{Links: doc.Links, Wall: doc.Wall, Refresh: doc.Refresh}
	if doc.MoreLinks {
		r.Note = moreLinks
	}
	if doc.Cut {
		r.Note = joinNotes(r.Note, moreElements)
	}
	if doc.Wall == "" {
		if r.Page, err = doc.Page(); err == nil {
			r.Kept = doc.Kept
			if !whole && doc.Kept < littleKept {
				r.Note = joinNotes(fmt.Sprintf("Of the text that the page shows outside links, %.0f %% was kept.", 100*doc.Kept), r.Note)
			}
		}
	}
	return r, err
}

// littleKept is a share of the letters on a page. If the text in the result has a smaller share, the visit reports the share.
const littleKept = 0.35

// moreLinks is the note for a page that has more than MaxLinks links.
const moreLinks = "The page has more links than are followed; the first ones are known."

// moreElements is the note for a page that has more elements than are read.
const moreElements = "The page has more elements than are read; its beginning was read."

// conversion converts the text of a document into HTML or into lines of text. note says what was left out. If ctx has ended, the caller
// must not use the result.
type conversion func(ctx context.Context, text string) (converted, note string, err error)

// structured reads a document that can be converted to HTML. A document that is not well formed is read as plain
// text.
func (d source) structured(ctx context.Context, convert conversion) (Reading, error) {
	page, note, err := convert(ctx, d.text)
	if ctx.Err() != nil {
		return Reading{}, ctx.Err()
	}
	if err != nil {
		return d.plain(d.text, "")
	}
	r, err := d.html(page, true)
	r.Wall, r.Refresh = "", ""
	r.Note = joinNotes(note, r.Note)
	return r, err
}

// lines reads a document that can be converted to lines of text. A document that is not well formed is read as
// plain text.
func (d source) lines(ctx context.Context, convert conversion) (Reading, error) {
	text, note, err := convert(ctx, d.text)
	if ctx.Err() != nil {
		return Reading{}, ctx.Err()
	}
	if err != nil {
		return d.plain(d.text, "")
	}
	return d.plain(text, note)
}

// plain reads text unchanged, and takes the addresses in it as links. The only error is ErrEmpty.
func (d source) plain(text, note string) (Reading, error) {
	text = plaintext.Clean(text)
	links, more := structured.Links(text)
	if more {
		note = joinNotes(note, moreLinks)
	}
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " \t")
	}
	text = strings.Trim(strings.Join(lines, "\n"), "\n")
	if strings.TrimSpace(text) == "" {
		return Reading{Links: links, Note: note}, ErrEmpty
	}
	p := plaintext.NewPage(d.name(), plaintext.Language(d.language), text)
	p.Blocks = []research.Block{{Kind: research.BlockText, Start: 0, End: utf8.RuneCountInString(text)}}
	return Reading{Page: p, Links: links, Note: note}, nil
}

// markdown converts Markdown to HTML and reads the HTML, so that links, headings and tables look like those of any other page.
func (d source) markdown() (Reading, error) {
	md := goldmark.New(
		goldmark.WithExtensions(extension.GFM, extension.DefinitionList),
		goldmark.WithRendererOptions(markdownhtml.WithUnsafe()),
	)
	title, text := structured.FrontMatter(plaintext.Clean(d.text))
	var out bytes.Buffer
	if title != "" {
		out.WriteString("<title>" + html.EscapeString(title) + "</title>")
	}
	if err := md.Convert([]byte(structured.ShallowMarkdown(text)), &out); err != nil {
		return Reading{}, fmt.Errorf("%w: %w", ErrType, err)
	}
	r, err := d.html(out.String(), true)
	r.Wall, r.Refresh = "", ""
	return r, err
}

func joinNotes(notes ...string) string { return strings.TrimSpace(strings.Join(notes, " ")) }

// guarded calls a parser and returns a panic as an error. Without guarded, a document that makes a parser panic would end this process, and
// then each process that tries the document again.
func guarded(parse func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: the parser failed: %v", ErrType, r)
		}
	}()
	return parse()
}
