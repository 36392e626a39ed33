package pdf

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
)

// file is a PDF that a test writes. It has the objects by number, from 1. Object 1 is the catalogue, and object 2 is the list of pages.
type file struct {
	objects []string
	streams map[int]string // the content of objects that are streams
	pages   []int
	extra   string // entries of the trailer
}

// Fonts that every page has. F1 is proportional, F2 is monospaced, F3 is bold.
const (
	font1 = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
	font2 = "<< /Type /Font /Subtype /Type1 /BaseFont /Courier /Encoding /WinAnsiEncoding >>"
	font3 = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>"
)

func newFile() *file {
	f := &file{streams: map[int]string{}}
	for _, o := range []string{"<< /Type /Catalog /Pages 2 0 R >>", "", font1, font2, font3} {
		f.add(o)
	}
	return f
}

// add adds an object and returns its number.
func (f *file) add(object string) int {
	f.objects = append(f.objects, object)
	return len(f.objects)
}

// addStream adds a stream. entries are further entries of the stream's dictionary.
func (f *file) addStream(entries, content string) int {
	n := f.add(entries)
	f.streams[n] = content
	return n
}

// page adds a page of 612 × 792 points with a content stream. entries are further entries of the page's dictionary.
func (f *file) page(content string, entries ...string) *file {
	return f.pageWith("", content, entries...)
}

// pageWith adds a page like page, with further resources.
func (f *file) pageWith(resources, content string, entries ...string) *file {
	c := f.addStream("", content)
	f.pages = append(f.pages, f.add(fmt.Sprintf("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << %s /Font << /F1 3 0 R /F2 4 0 R /F3 5 0 R %s >> >> /Contents %d 0 R %s >>",
		fontless(resources), fontsOf(resources), c, strings.Join(entries, " "))))
	return f
}

// fontsOf and fontless split resources: fontsOf returns the fonts, which begin with "/Font ", and fontless returns the others.
func fontsOf(resources string) string {
	fonts, _ := strings.CutPrefix(resources, "/Font ")
	if fonts == resources {
		return ""
	}
	return fonts
}

func fontless(resources string) string {
	if strings.HasPrefix(resources, "/Font ") {
		return ""
	}
	return resources
}

// bytes returns the content of the PDF file. With a cipher, streams are encrypted.
func (f *file) bytes(c *cipherOf) []byte {
	kids := ""
	for _, n := range f.pages {
		kids += fmt.Sprintf("%d 0 R ", n)
	}
	f.objects[1] = fmt.Sprintf("<< /Type /Pages /Kids [%s] /Count %d >>", kids, len(f.pages))
	objects := f.objects
	trailer := f.extra
	if c != nil {
		objects = append(objects[:len(objects):len(objects)], c.dictionary)
		trailer += fmt.Sprintf(" /Encrypt %d 0 R /ID [<%x> <%x>]", len(objects), c.id, c.id)
	}
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n")
	offsets := make([]int, len(objects))
	for i, o := range objects {
		offsets[i] = b.Len()
		if s, ok := f.streams[i+1]; ok {
			if c != nil {
				s = string(c.encrypt(i+1, []byte(s)))
			}
			fmt.Fprintf(&b, "%d 0 obj\n<< %s /Length %d >>\nstream\n%s\nendstream\nendobj\n", i+1, o, len(s), s)
			continue
		}
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	at := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, o := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, trailer, at)
	return b.Bytes()
}

// at writes lines of text below each other. The first line begins at x and y. The font is given as in "/F1 10".
func at(x, y float64, font string, leading float64, lines ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "BT %s Tf %g TL %g %g Td\n", font, leading, x, y)
	for _, l := range lines {
		fmt.Fprintf(&b, "(%s) Tj T*\n", l)
	}
	b.WriteString("ET\n")
	return b.String()
}

// readFile reads a PDF that a test wrote, and returns the document and the text of its pages.
func readFile(t *testing.T, body []byte) (Document, string) {
	t.Helper()
	engine := NewEngine("")
	defer engine.Close()
	d, err := engine.Read(context.Background(), body)
	if err != nil {
		t.Fatal(err)
	}
	var pages []string
	for _, p := range d.Pages {
		pages = append(pages, p.Text)
	}
	return d, strings.Join(pages, "\f")
}
