package testsite

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"strings"
)

// Hostile is a document that makes readers use much time or memory.
type Hostile struct {
	Name        string // its file name
	ContentType string
	Body        []byte
}

// HostileDocuments returns documents of at most 10 MB each. Each has made a reader fail.
func HostileDocuments() []Hostile {
	const html, markdown, pdf = "text/html; charset=utf-8", "text/markdown", "application/pdf"
	var out []Hostile
	add := func(name, contentType, body string) {
		out = append(out, Hostile{name, contentType, []byte(body[:min(len(body), 9<<20)])})
	}
	rep := strings.Repeat
	page := func(body string) string { return "<!DOCTYPE html><title>Hostile</title><body>" + body }
	add("nested-div.html", html, page(rep("<div>", 300_000)+"deep"))
	add("nested-mixed.html", html, page(rep("<div><b><table><tr><td><ul><li>", 20_000)+"deep"))
	add("nested-formatting.html", html, page(rep("<b><i><a href=x>", 50_000)+"deep"))
	add("million-links.html", html, page(rep("<a href=/a>a</a>\n", 500_000)))
	add("different-links.html", html, page(numbered(150_000, "<p><a href=/page/%d>Page %[1]d</a> about it\n")))
	add("endless-word.html", html, page("<p>"+rep("a", 8<<20)))
	add("endless-line.txt", "text/plain", rep("word ", 1_700_000))
	add("endless-word.txt", "text/plain", rep("x", 8<<20))
	add("colspan.html", html, page("<table>"+rep("<tr><td colspan=1000 rowspan=65534>x<td colspan=1000>y", 5_000)))
	add("rowspan.html", html, page("<table><tr>"+rep("<td rowspan=65534>x", 1_000)+rep("<tr><td>y", 20_000)))
	add("cells.html", html, page("<table>"+rep("<tr>"+rep("<td>1", 100), 10_000)))
	add("nested-tables.html", html, page(rep("<table><tr><td>", 5_000)+"deep"))
	add("attributes.html", html, page("<p "+numbered(200_000, "a%d=b ")+">text</p>"))
	add("entities.html", html, page("<p>"+rep("&amp;&lt;&notanentity;&#x110000;", 200_000)))
	add("comments.html", html, page(rep("<!-- a -->", 500_000)+"text"))
	add("unclosed.html", html, page(rep("<p><span class=", 200_000)))
	add("headings.html", html, page(rep("<h1>A</h1><h6>B</h6>", 100_000)))
	add("paragraphs.html", html, page(rep("<p>a", 800_000)))
	add("pre.html", html, page("<pre>"+rep("x  y\n", 1_000_000)))
	add("script.html", html, page("<script>"+rep("<!--<script>", 300_000)+"</script>text"))
	add("manual.html", html, page(numbered(45_000, "<h2>Setting %d</h2><p>The setting <code>option_%[1]d</code> controls how the part works. It is off by default, and takes effect at the next start.</p><ul><li>one<li>two</ul>\n")))
	add("list.md", markdown, rep("- ", 8_000))
	add("list-long.md", markdown, rep("- ", 1_000_000))
	add("quote.md", markdown, rep("> ", 100_000)+"deep")
	add("brackets.md", markdown, rep("[", 300_000)+rep("]", 300_000))
	add("links.md", markdown, rep("[a](<b", 200_000))
	add("emphasis.md", markdown, rep("*a **a ", 200_000))
	add("backticks.md", markdown, backticks(1_500))
	add("table.md", markdown, rep("|a", 5_000)+"|\n"+rep("|-", 5_000)+"|\n"+rep("|x\n", 100_000))
	add("references.md", markdown, rep("[a]: b\n", 200_000)+rep("[a]", 200_000))
	add("nested-list.md", markdown, nestedList(1_500))
	add("deep.json", "application/json", rep("[", 4<<20))
	out = append(out,
		Hostile{"text-bomb.pdf", pdf, textBomb(400_000)},
		Hostile{"form-bomb.pdf", pdf, formBomb(12)},
		Hostile{"pages.pdf", pdf, pagesBomb(20_000)},
		Hostile{"loop.pdf", pdf, []byte("%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[2 0 R 2 0 R]/Count 99999999>>endobj trailer<</Root 1 0 R>>")},
		Hostile{"garbage.pdf", pdf, []byte("%PDF-1.7\n" + rep("1 0 obj << /A [ ", 200_000))},
	)
	return out
}

func numbered(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// backticks makes code spans that are never closed, each of a different length.
func backticks(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("e" + strings.Repeat("`", i))
	}
	return b.String()
}

func nestedList(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat("  ", i) + "- a\n")
	}
	return b.String()
}

// pdfObjects writes a PDF with these objects, numbered from 1. The first one is the catalogue. Streams are compressed.
func pdfObjects(objects []string, streams map[int]string) []byte {
	var b bytes.Buffer
	b.WriteString("%PDF-1.4\n")
	offsets := make([]int, len(objects))
	for i, o := range objects {
		offsets[i] = b.Len()
		if s, ok := streams[i+1]; ok {
			var packed bytes.Buffer
			z := zlib.NewWriter(&packed)
			_, _ = z.Write([]byte(s))
			_ = z.Close()
			fmt.Fprintf(&b, "%d 0 obj\n<< %s /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream\nendobj\n", i+1, o, packed.Len(), packed.Bytes())
			continue
		}
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	xref := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, at := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, xref)
	return b.Bytes()
}

const bombFont = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"

// textBomb makes a small PDF with one page that shows a sentence n times.
func textBomb(n int) []byte {
	return pdfObjects([]string{
		"<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [4 0 R] /Count 1 >>", bombFont,
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font << /F1 3 0 R >> >> /Contents 5 0 R >>", "",
	}, map[int]string{5: "BT /F1 12 Tf 72 700 Td " + strings.Repeat("(The kettle holds 1.7 litres of water. ) Tj 0 -1 Td ", n) + "ET"})
}

// formBomb makes a PDF with depth levels of forms, in which each form shows the next one ten times.
func formBomb(depth int) []byte {
	objects := []string{
		"<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [4 0 R] /Count 1 >>", bombFont,
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font << /F1 3 0 R >> /XObject << /X 6 0 R >> >> /Contents 5 0 R >>", "",
	}
	streams := map[int]string{5: "/X Do"}
	for i := range depth {
		n := 6 + i
		objects = append(objects, fmt.Sprintf("/Type /XObject /Subtype /Form /BBox [0 0 612 792] /Resources << /Font << /F1 3 0 R >> /XObject << /X %d 0 R >> >>", n+1))
		streams[n] = strings.Repeat("/X Do ", 10)
	}
	objects = append(objects, "/Type /XObject /Subtype /Form /BBox [0 0 612 792] /Resources << /Font << /F1 3 0 R >> >>")
	streams[len(objects)] = "BT /F1 12 Tf 72 700 Td (The kettle holds 1.7 litres.) Tj ET"
	return pdfObjects(objects, streams)
}

// pagesBomb makes a PDF of n pages with the same content.
func pagesBomb(n int) []byte {
	return pdfObjects([]string{
		"<< /Type /Catalog /Pages 2 0 R >>",
		fmt.Sprintf("<< /Type /Pages /Kids [%s] /Count %d >>", strings.Repeat("4 0 R ", n), n), bombFont,
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font << /F1 3 0 R >> >> /Contents 5 0 R >>", "",
	}, map[int]string{5: "BT /F1 12 Tf 72 700 Td " + strings.Repeat("(The kettle holds 1.7 litres of water. ) Tj 0 -12 Td ", 1_000) + "ET"})
}
