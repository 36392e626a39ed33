package page

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	markdownhtml "github.com/yuin/goldmark/renderer/html"
	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding/htmlindex"

	"legwork/internal/page/plaintext"
	"legwork/internal/research"
)

var (
	// ErrType: the document is of a type that is not read, or is broken in a way that cannot be read around.
	ErrType = errors.New("the document cannot be read as text")
	// ErrPassword: the document is encrypted and opens only with a password.
	ErrPassword = errors.New("the document needs a password")
	// ErrLimit: reading the document would take more time or memory than one document may.
	ErrLimit = errors.New("the document is too complex to read")
)

// Read reads one document in this process, for callers that want the page and its links alone. Errors are those of a Reader.
func Read(base *url.URL, header http.Header, body []byte) (research.Page, []research.Link, error) {
	reader := NewInProcess("")
	defer reader.Close()
	r, err := reader.Read(context.Background(), base, header, body)
	return r.Page, r.Links, err
}

// parse reads a document by its type.
func (p *InProcess) parse(ctx context.Context, base *url.URL, header http.Header, body []byte) (r Reading, err error) {
	switch mediaKind(header.Get("Content-Type"), body) {
	case kindHTML:
		return readHTML(base, header, body)
	case kindMarkdown:
		r.Page, r.Links, err = FromMarkdown(base, header, body)
	case kindPDF:
		return p.readPDF(ctx, base, body)
	case kindText:
		r.Page, err = FromText(base, header, body)
	default:
		err = fmt.Errorf("%w: %s", ErrType, header.Get("Content-Type"))
	}
	return r, err
}

// guarded runs a parser over a foreign document. A parser that panics must not take the process down, since the
// document would do the same to the next process that tries it.
func guarded(parse func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: the parser failed: %v", ErrType, r)
		}
	}()
	return parse()
}

// FromText reads plain text, which includes JSON, XML and CSV, as it stands. The error is ErrEmpty.
func FromText(base *url.URL, header http.Header, body []byte) (research.Page, error) {
	text := plaintext.Clean(decode(body, header.Get("Content-Type")))
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " \t")
	}
	text = strings.Trim(strings.Join(lines, "\n"), "\n")
	if strings.TrimSpace(text) == "" {
		return research.Page{}, ErrEmpty
	}
	title := base.Path[strings.LastIndexByte(base.Path, '/')+1:]
	return plaintext.NewPage(plaintext.Cut(plaintext.Fold(title), plaintext.MaxHeading), plaintext.Language(header.Get("Content-Language")), text), nil
}

// FromMarkdown reads Markdown by way of HTML, so that links, headings and tables come out as those of any page.
func FromMarkdown(base *url.URL, header http.Header, body []byte) (research.Page, []research.Link, error) {
	md := goldmark.New(
		goldmark.WithExtensions(extension.GFM, extension.DefinitionList),
		goldmark.WithRendererOptions(markdownhtml.WithUnsafe()),
	)
	var out bytes.Buffer
	if err := md.Convert([]byte(plaintext.Clean(decode(body, header.Get("Content-Type")))), &out); err != nil {
		return research.Page{}, nil, fmt.Errorf("%w: %w", ErrType, err)
	}
	h := http.Header{"Content-Type": {"text/html; charset=utf-8"}, "Content-Language": header.Values("Content-Language")}
	return FromHTML(base, h, out.Bytes())
}

// Kinds of documents that are read.
type kind int

const (
	kindNone kind = iota
	kindHTML
	kindText
	kindMarkdown
	kindPDF
)

// mediaKind tells how to read a document by its Content-Type, or by its first bytes (WHATWG MIME sniffing, as
// net/http implements it) when there is none.
func mediaKind(contentType string, body []byte) kind {
	if strings.TrimSpace(contentType) == "" {
		if body == nil {
			return kindNone
		}
		contentType = http.DetectContentType(body)
	}
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		media, _, _ = strings.Cut(strings.ToLower(contentType), ";")
		media = strings.TrimSpace(media)
	}
	switch media {
	case "text/html", "application/xhtml+xml":
		return kindHTML
	case "text/markdown", "text/x-markdown":
		return kindMarkdown
	case "application/pdf":
		return kindPDF
	case "application/json", "application/xml", "application/yaml", "application/x-yaml", "application/toml":
		return kindText
	case "text/css", "text/javascript", "text/calendar", "text/vcard", "image/svg+xml":
		return kindNone
	}
	if strings.HasPrefix(media, "text/") || strings.HasSuffix(media, "+json") || strings.HasSuffix(media, "+xml") {
		return kindText
	}
	return kindNone
}

// decode gives body as UTF-8. What says the encoding, in order: a byte order mark, the Content-Type, the document's
// first kilobyte (meta, XML declaration), the bytes themselves. Bytes that are valid UTF-8 are never read as Latin-1, a
// common wrong label.
func decode(body []byte, contentType string) string {
	enc, name, certain := charset.DetermineEncoding(body[:min(len(body), 1024)], contentType)
	if !certain {
		if label := xmlEncoding(body); label != "" {
			if e, err := htmlindex.Get(label); err == nil {
				enc, certain = e, true
				name, _ = htmlindex.Name(e)
			}
		}
	}
	if (!certain || name == "windows-1252") && utf8.Valid(body) {
		name = "utf-8"
	}
	if name == "utf-8" {
		return strings.ToValidUTF8(string(bytes.TrimPrefix(body, []byte("\xEF\xBB\xBF"))), "\uFFFD")
	}
	out, err := enc.NewDecoder().Bytes(body)
	if err != nil {
		out = body
	}
	return strings.TrimPrefix(strings.ToValidUTF8(string(out), "\uFFFD"), "\uFEFF")
}

// xmlEncoding is the encoding that an XML declaration names; empty: none.
func xmlEncoding(body []byte) string {
	head := string(body[:min(len(body), 200)])
	declaration, _, found := strings.Cut(head, "?>")
	if !found || !strings.HasPrefix(declaration, "<?xml") {
		return ""
	}
	_, value, found := strings.Cut(declaration, "encoding=")
	if !found || len(value) < 2 {
		return ""
	}
	label, _, _ := strings.Cut(value[1:], value[:1])
	return label
}
