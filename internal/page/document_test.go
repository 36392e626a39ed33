package page

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestMediaKind(t *testing.T) {
	t.Parallel()
	for contentType, want := range map[string]kind{
		"text/html": kindHTML, "TEXT/HTML; charset=utf-8": kindHTML, "application/xhtml+xml": kindHTML, "text/html;;broken": kindHTML,
		"text/plain": kindText, "text/csv": kindText, "application/json": kindText, "application/ld+json": kindText, "application/atom+xml": kindText,
		"text/markdown": kindMarkdown, "application/pdf": kindPDF,
		"image/png": kindNone, "image/svg+xml": kindNone, "text/css": kindNone, "application/octet-stream": kindNone, "video/mp4": kindNone, "": kindNone,
	} {
		if got := mediaKind(contentType, nil); got != want {
			t.Errorf("%q: %v, want %v", contentType, got, want)
		}
	}
	for body, want := range map[string]kind{"<!DOCTYPE html><p>x": kindHTML, "just words": kindText, "%PDF-1.7": kindPDF, "\x89PNG\r\n\x1a\n": kindNone, "\x00\x01": kindNone} {
		if got := mediaKind("", []byte(body)); got != want {
			t.Errorf("sniffed %q: %v, want %v", body, got, want)
		}
	}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	late := strings.Repeat("ascii ", 400)
	for name, tt := range map[string]struct{ body, contentType, want string }{
		"declared":               {"caf\xe9", "text/plain; charset=iso-8859-1", "café"},
		"byte order mark":        {"\xEF\xBB\xBFcafé", "text/plain; charset=iso-8859-1", "café"},
		"utf-16":                 {"\xFF\xFEh\x00i\x00", "text/html", "hi"},
		"meta":                   {"<meta charset=koi8-r>\xc4\xc1", "text/html", "<meta charset=koi8-r>да"},
		"xml declaration":        {"<?xml version='1.0' encoding='ISO-8859-2'?>\xb1", "text/xml", "<?xml version='1.0' encoding='ISO-8859-2'?>ą"},
		"nothing said, UTF-8":    {"café", "text/plain", "café"},
		"nothing said, late":     {late + "café", "text/html", late + "café"},
		"nothing said, Latin-1":  {"caf\xe9", "text/plain", "café"},
		"called Latin-1, is not": {"café", "text/html; charset=iso-8859-1", "café"},
		"called UTF-8, is not":   {"caf\xe9", "text/html; charset=utf-8", "caf\uFFFD"},
		"unknown charset":        {"café", "text/html; charset=klingon", "café"},
		"empty":                  {"", "", ""},
	} {
		if got := decode([]byte(tt.body), tt.contentType); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

func TestReadText(t *testing.T) {
	t.Parallel()
	p, links, err := Read(pageURL, http.Header{"Content-Type": {"application/json"}, "Content-Language": {"en"}}, []byte("\n{\"a\": \"<b>\"}  \r\n\r\n"))
	if err != nil || p.Text != `{"a": "<b>"}` || p.Title != "page.html" || p.Language != "en" || links != nil {
		t.Errorf("%+v %v %v", p, links, err)
	}
	if _, _, err := Read(pageURL, http.Header{"Content-Type": {"text/plain"}}, []byte(" \n")); !errors.Is(err, ErrEmpty) {
		t.Error(err)
	}
	if _, _, err := Read(pageURL, http.Header{"Content-Type": {"image/png"}}, []byte("x")); !errors.Is(err, ErrType) {
		t.Error(err)
	}
	if err := guarded(func() error { panic("hostile") }); !errors.Is(err, ErrType) {
		t.Error(err)
	}
}

func TestMarkdownKeepsLinksAndHeadings(t *testing.T) {
	t.Parallel()
	p, links, err := FromMarkdown(pageURL, nil, []byte("# T\nText with [a link](x.html).\n\nTerm\n: Meaning\n"))
	if err != nil || p.Text != "# T\n\nText with a link.\n\nTerm\n\n Meaning" || p.Title != "T" {
		t.Errorf("%q %q %v", p.Title, p.Text, err)
	}
	if len(links) != 1 || links[0].URL != "https://docs.example.com/manual/x.html" || links[0].Heading != "T" {
		t.Errorf("%+v", links)
	}
}

// pdfFile writes a minimal PDF (ISO 32000-1 §7.5) whose pages show these lines.
func pdfFile(lines ...string) []byte {
	var b bytes.Buffer
	var offsets []int
	object := func(format string, args ...any) {
		offsets = append(offsets, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n"+format+"\nendobj\n", append([]any{len(offsets)}, args...)...)
	}
	b.WriteString("%PDF-1.4\n")
	var kids []string
	for i := range lines {
		kids = append(kids, fmt.Sprintf("%d 0 R", 5+2*i))
	}
	object("<< /Type /Catalog /Pages 2 0 R /Lang (en-GB) >>")
	object("<< /Type /Pages /Kids [%s] /Count %d >>", strings.Join(kids, " "), len(lines))
	object("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>")
	object("<< /Title (Data sheet) /CreationDate (D:20240514093000+02'00') /ModDate (D:20240601000000Z) >>")
	for i, line := range lines {
		object("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font << /F1 3 0 R >> >> /Contents %d 0 R >>", 6+2*i)
		stream := fmt.Sprintf("BT /F1 12 Tf 72 700 Td (%s) Tj ET", line)
		object("<< /Length %d >>\nstream\n%s\nendstream", len(stream), stream)
	}
	xref := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(offsets)+1)
	for _, at := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R /Info 4 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(offsets)+1, xref)
	return b.Bytes()
}

func TestPDF(t *testing.T) {
	t.Parallel()
	reader := NewInProcess("")
	defer reader.Close()
	read := func(body []byte) (Reading, error) {
		return reader.Read(t.Context(), pageURL, http.Header{"Content-Type": {"application/pdf"}}, body)
	}
	r, err := read(pdfFile("The kettle holds 1.7 litres.", "Second page."))
	p := r.Page
	if err != nil || p.Text != "# Data sheet\n\n## Page 1\n\nThe kettle holds 1.7 litres.\n\n## Page 2\n\nSecond page." || p.Title != "Data sheet" {
		t.Errorf("%q %q %v", p.Title, p.Text, err)
	}
	for i, want := range []string{"Data sheet › Page 1", "Data sheet › Page 2"} {
		if len(p.Passages) != 2 || p.Passages[i].Heading != want {
			t.Errorf("passages %+v, want heading %q", p.Passages, want)
		}
	}
	day, change := time.Date(2024, 5, 14, 7, 30, 0, 0, time.UTC), time.Date(2024, 6, 1, 0, 0, 0, 0, time.UTC)
	if p.PublishedAt == nil || !p.PublishedAt.Equal(day) || p.ModifiedAt == nil || !p.ModifiedAt.Equal(change) || p.Language != "en" {
		t.Errorf("published %v, modified %v, language %q", p.PublishedAt, p.ModifiedAt, p.Language)
	}
	// Pages without text keep their numbers, and a line of the document is no heading of ours.
	r, err = read(pdfFile("", "# Page 7", "Third."))
	if p = r.Page; err != nil || len(p.Passages) != 2 || p.Passages[0].Heading != "Data sheet › Page 2" || p.Passages[1].Heading != "Data sheet › Page 3" {
		t.Errorf("%q %+v %v", p.Text, p.Passages, err)
	}
	if _, err := read(pdfFile("")); !errors.Is(err, ErrEmpty) {
		t.Errorf("no text: %v", err)
	}
	whole := pdfFile("The kettle holds 1.7 litres.")
	for n := 0; n < len(whole); n += 97 {
		if r, err := read(whole[:n]); err == nil && r.Page.Text == "" {
			t.Errorf("cut at %d: neither text nor error", n)
		}
	}
}
