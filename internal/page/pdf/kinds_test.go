package pdf

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// kind is a PDF of one kind, with the texts that must be found in this order.
type kind struct {
	name string
	file func() *file
	want []string
	not  []string // texts that must not be found
}

func prose(x, y float64, lines ...string) string { return at(x, y, "/F1 10", 12, lines...) }

func layoutKinds() []kind {
	left := []string{"The river rises in the hills above the town and", "runs for forty miles before it meets the sea in a", "wide bay, where the old harbour was built of grey", "stone that came from the quarry."}
	right := []string{"A second harbour was begun in the year when the", "railway came, and finished only after the war had", "ended. It is deeper, and takes ships of any size", "that the canal lets through."}
	return []kind{
		{name: "two columns", file: func() *file { return newFile().page(prose(60, 700, left...) + prose(320, 700, right...)) },
			want: []string{"above the town and runs for forty", "came from the quarry.", "A second harbour", "takes ships of any size that"}},
		{name: "two columns, written line by line across", file: func() *file {
			var b strings.Builder
			for i := range left {
				b.WriteString(prose(60, 700-12*float64(i), left[i]) + prose(320, 700-12*float64(i), right[i]))
			}
			return newFile().page(b.String())
		}, want: []string{"runs for forty miles", "came from the quarry.", "A second harbour"}},
		{name: "columns below a heading across them", file: func() *file {
			return newFile().page(at(150, 740, "/F3 18", 20, "Two harbours of one town") + prose(60, 700, left...) + prose(320, 700, right...))
		}, want: []string{"### Two harbours of one town", "The river rises", "came from the quarry.", "A second harbour"}},
		{name: "three columns", file: func() *file {
			var b strings.Builder
			for c, name := range []string{"alder", "birch", "cedar"} {
				var lines []string
				for i := range 9 {
					lines = append(lines, fmt.Sprintf("The %s of row %d is old and", name, i))
				}
				b.WriteString(at(40+190*float64(c), 700-3*float64(c), "/F1 9", 11, lines...))
			}
			return newFile().page(b.String())
		}, want: []string{"alder of row 0", "alder of row 8", "birch of row 0", "birch of row 8", "cedar of row 0", "cedar of row 8"}},
		{name: "a table", file: func() *file {
			var b strings.Builder
			for i, r := range [][3]string{{"Model", "Litres", "Watts"}, {"K10", "1.0", "1800"}, {"K17", "1.7", "2200"}, {"K25", "2.5", "3000"}} {
				y := 700 - 16*float64(i)
				b.WriteString(prose(72, y, r[0]) + prose(200, y, r[1]) + prose(300, y, r[2]))
			}
			return newFile().page(b.String())
		}, want: []string{"| Model | Litres | Watts |", "| K10 | 1.0 | 1800 |", "| K17 | 1.7 | 2200 |", "| K25 | 2.5 | 3000 |"}},
		{name: "a table written column by column", file: func() *file {
			return newFile().page(prose(72, 700, "Model", "K10", "K17", "K25") + prose(200, 700, "Litres", "1.0", "1.7", "2.5") + prose(300, 700, "Watts", "1800", "2200", "3000"))
		}, want: []string{"| Model | Litres | Watts |", "| K17 | 1.7 | 2200 |"}},
		{name: "text written before the figure above it", file: func() *file {
			return newFile().page(prose(72, 500, left...) + "0.5 g 72 560 400 160 re f 0 g\n" + prose(72, 540, "Figure 1. The bay from the north.") + prose(72, 480-24, right...) + prose(72, 740, "Chapter one begins here."))
		}, want: []string{"Chapter one begins here.", "Figure 1. The bay", "The river rises", "A second harbour"}},
		{name: "headings by size", file: func() *file {
			return newFile().page(at(72, 720, "/F3 20", 24, "The guide") + at(72, 690, "/F3 13", 15, "Setting up") + prose(72, 670, left...) + at(72, 600, "/F3 13", 15, "Cleaning") + prose(72, 580, right...))
		}, want: []string{"### The guide", "#### Setting up", "The river rises", "#### Cleaning", "A second harbour"}},
		{name: "a large number is no heading", file: func() *file {
			return newFile().page(at(72, 720, "/F3 30", 24, "7") + prose(72, 670, left...))
		}, want: []string{"The river rises"}, not: []string{"### 7"}},
		{name: "a note along the margin comes last", file: func() *file {
			return newFile().page("BT /F1 9 Tf 0 1 -1 0 30 200 Tm (Received in March of that year) Tj ET\n" + prose(72, 700, left...))
		}, want: []string{"The river rises", "from the quarry.", "Received in March of that year"}},
	}
}

func wordKinds() []kind {
	return []kind{
		{name: "divided words", file: func() *file {
			return newFile().page(prose(72, 700, "The committee asked for an inter-", "national agreement on the long-", "term storage of the well-", "known material. A long-term plan was made."))
		}, want: []string{"an international agreement", "long-term storage", "the wellknown material"}, not: []string{"inter-", "longterm"}},
		{name: "a soft hyphen", file: func() *file {
			return newFile().page(prose(72, 700, "The agreement is inter\\255", "national and binding."))
		}, want: []string{"international and binding"}},
		{name: "a range of numbers is not divided", file: func() *file {
			return newFile().page(prose(72, 700, "It was in use in the years 1914-", "1918 and not after."))
		}, want: []string{"1914-1918"}},
		{name: "kerned words", file: func() *file {
			return newFile().page("BT /F1 12 Tf 72 700 Td [(The)-333(r)15(eservoir)-333(abo)20(v)15(e)-333(the)-333(V)80(AL)60(VE)] TJ ET\n")
		}, want: []string{"The reservoir above the VALVE"}},
		{name: "letters one by one", file: func() *file {
			var b strings.Builder
			for i, c := range "narrow illicit words stay whole" {
				if c != ' ' {
					b.WriteString(at(72+6*float64(i), 700, "/F2 10", 12, string(c)))
				}
			}
			return newFile().page(b.String())
		}, want: []string{"narrow illicit words stay whole"}},
		{name: "words by word spacing and position", file: func() *file {
			return newFile().page("BT /F1 12 Tf 2 Tc 72 700 Td (Spaced letters) Tj ET BT /F1 12 Tf 72 680 Td (Next) Tj 40 0 Td (by) Tj 30 0 Td (steps) Tj ET\n")
		}, want: []string{"Spaced letters", "Next by steps"}},
		{name: "a listing keeps its lines", file: func() *file {
			return newFile().page(prose(72, 720, "Write this into the file that is named after the host:") + at(72, 690, "/F2 10", 12, "keep_warm = 30", "descale = true", "mode = eco"))
		}, want: []string{"keep_warm = 30\ndescale = true\nmode = eco"}},
		{name: "ligatures of a font's encoding", file: func() *file {
			f := newFile()
			n := f.add("<< /Type /Font /Subtype /Type1 /BaseFont /Times-Roman /Encoding << /Type /Encoding /Differences [1 /fi /fl] >> >>")
			return f.pageWith(fmt.Sprintf("/Font /F9 %d 0 R", n), "BT /F9 12 Tf 72 700 Td (The \\001rst \\002ow) Tj ET")
		}, want: []string{"The first flow"}},
		{name: "presentation forms by ToUnicode", file: func() *file {
			f := newFile()
			cmap := f.addStream("", toUnicode("<01> <FB01>", "<02> <FEDF>", "<03> <FEFC>"))
			n := f.add(fmt.Sprintf("<< /Type /Font /Subtype /Type1 /BaseFont /Times-Roman /Encoding << /Type /Encoding /Differences [1 /fi] >> /ToUnicode %d 0 R >>", cmap))
			return f.pageWith(fmt.Sprintf("/Font /F9 %d 0 R", n), "BT /F1 12 Tf 72 700 Td (The de) Tj /F9 12 Tf (\\001) Tj /F1 12 Tf (ned) Tj ET BT /F9 12 Tf 72 600 Td (\\002\\003) Tj ET")
		}, want: []string{"The defined"}, not: []string{"\uFB01", "\uFEDF", "\uFEFC"}},
		{name: "a CID font with ToUnicode", file: func() *file {
			f := newFile()
			return f.pageWith(cid(f, "Identity-H", "<0001> <4E2D>", "<0002> <6587>", "<0003> <5B57>"), "BT /F9 12 Tf 72 700 Td <000100020003> Tj ET")
		}, want: []string{"中文字"}},
		{name: "characters of two code units", file: func() *file {
			f := newFile()
			return f.pageWith(cid(f, "Identity-H", "<0001> <D835DC9C>", "<0002> <00660066>"), "BT /F9 12 Tf 72 700 Td <0001> Tj ET BT /F9 12 Tf 72 650 Td <0002> Tj ET")
		}, want: []string{"ff"}},
	}
}

func fileKinds() []kind {
	form := func(f *file, entries, content string) string {
		return fmt.Sprintf("/XObject << /X %d 0 R >>", f.addStream("/Type /XObject /Subtype /Form /BBox [0 0 612 792] /Resources << /Font << /F1 3 0 R >> >> "+entries, content))
	}
	return []kind{
		{name: "a form", file: func() *file {
			f := newFile()
			return f.pageWith(form(f, "", prose(0, 0, "Words of the form.")), prose(72, 720, "Before it.")+"q 1 0 0 1 72 700 cm /X Do Q\n"+prose(72, 680, "After it."))
		}, want: []string{"Before it.", "Words of the form.", "After it."}},
		{name: "a form with a matrix, shown twice", file: func() *file {
			f := newFile()
			return f.pageWith(form(f, "/Matrix [1 0 0 1 72 0]", prose(0, 0, "Again and again.")), "q 1 0 0 1 0 700 cm /X Do Q q 1 0 0 1 0 500 cm /X Do Q\n")
		}, want: []string{"Again and again.", "Again and again."}},
		{name: "a page turned by its entry", file: func() *file {
			return newFile().page("BT /F1 12 Tf 0 1 -1 0 100 100 Tm 14 TL (The page lies on its side) Tj T* (and is read all the same.) Tj ET", "/Rotate 90")
		}, want: []string{"The page lies on its side and is read all the same."}},
		{name: "a page turned by its text alone", file: func() *file {
			return newFile().page("BT /F1 12 Tf 0 -1 1 0 100 700 Tm 14 TL (Written down the page) Tj T* (in two lines of it.) Tj ET")
		}, want: []string{"Written down the page in two lines of it."}},
		{name: "a page upside down", file: func() *file {
			return newFile().page("BT /F1 12 Tf -1 0 0 -1 500 100 Tm 14 TL (Upside down it is) Tj T* (read as well.) Tj ET", "/Rotate 180")
		}, want: []string{"Upside down it is read as well."}},
		{name: "an offset media box", file: func() *file {
			return newFile().page(prose(-200, -100, "Far from the origin."), "/CropBox [-300 -300 300 300] /MediaBox [-300 -300 300 300]")
		}, want: []string{"Far from the origin."}},
	}
}

func toUnicode(pairs ...string) string {
	return "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /T def /CMapType 2 def\n" +
		fmt.Sprintf("1 begincodespacerange <%s> <%s> endcodespacerange\n", strings.Repeat("0", len(pairs[0][1:strings.IndexByte(pairs[0], '>')])), strings.Repeat("F", len(pairs[0][1:strings.IndexByte(pairs[0], '>')]))) +
		fmt.Sprintf("%d beginbfchar\n%s\nendbfchar\nendcmap end end", len(pairs), strings.Join(pairs, "\n"))
}

// cid adds a font whose characters have two bytes. It returns the resources that give this font the name F9.
func cid(f *file, encoding string, pairs ...string) string {
	cmap := f.addStream("", toUnicode(pairs...))
	descriptor := f.add("<< /Type /FontDescriptor /FontName /Song /Flags 4 /FontBBox [0 -200 1000 900] /ItalicAngle 0 /Ascent 900 /Descent -200 /CapHeight 700 /StemV 80 >>")
	descendant := f.add(fmt.Sprintf("<< /Type /Font /Subtype /CIDFontType2 /BaseFont /Song /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> /FontDescriptor %d 0 R /DW 1000 >>", descriptor))
	n := f.add(fmt.Sprintf("<< /Type /Font /Subtype /Type0 /BaseFont /Song /Encoding /%s /DescendantFonts [%d 0 R] /ToUnicode %d 0 R >>", encoding, descendant, cmap))
	return fmt.Sprintf("/Font /F9 %d 0 R", n)
}

// TestKinds: each kind of PDF is difficult for programs that read text from the operators of the content stream.
func TestKinds(t *testing.T) {
	t.Parallel()
	for _, k := range slices.Concat(layoutKinds(), tableKinds(), wordKinds(), fileKinds()) {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			_, text := readFile(t, k.file().bytes(nil))
			rest := text
			for _, want := range k.want {
				_, after, ok := strings.Cut(rest, want)
				if !ok {
					t.Fatalf("%q is not there, or not in its place, in\n%s", want, text)
				}
				rest = after
			}
			for _, not := range k.not {
				if strings.Contains(text, not) {
					t.Errorf("%q is in\n%s", not, text)
				}
			}
		})
	}
}

// TestScanned: a page with only a picture is distinguished from an empty page.
func TestScanned(t *testing.T) {
	t.Parallel()
	f := newFile()
	picture := f.addStream("/Type /XObject /Subtype /Image /Width 2 /Height 2 /ColorSpace /DeviceGray /BitsPerComponent 8", "\x00\xff\xff\x00")
	f.pageWith(fmt.Sprintf("/XObject << /X %d 0 R >>", picture), "q 612 0 0 792 0 0 cm /X Do Q")
	f.page("")
	f.page(prose(72, 700, "The third page has words."))
	d, text := readFile(t, f.bytes(nil))
	if !slices.Equal(d.Scanned, []int{1}) || d.Count != 3 || len(d.Pages) != 1 || d.Pages[0].Number != 3 || text != "The third page has words." {
		t.Errorf("%+v", d)
	}
}

// TestDescription: title, dates and language of a file are read from its metadata.
func TestDescription(t *testing.T) {
	t.Parallel()
	f := newFile()
	f.objects[0] = "<< /Type /Catalog /Pages 2 0 R /Lang (de-CH) >>"
	f.extra = fmt.Sprintf("/Info %d 0 R", f.add("<< /Title (The kettle\\222s guide) /CreationDate (D:20240514093000+02'00') /ModDate (D:20240601) >>"))
	d, _ := readFile(t, f.page(at(72, 700, "/F3 20", 24, "Something else")+prose(72, 600, "Text of the page, in its usual size.")).bytes(nil))
	if d.Title != "The kettle™s guide" && d.Title != "The kettle’s guide" || d.Language != "de-CH" || d.Created.UTC().Format("2006-01-02T15:04") != "2024-05-14T07:30" || d.Modified.Month() != 6 {
		t.Errorf("%+v", d)
	}
	for _, title := range []string{"guide.docx", "Microsoft Word - guide", "untitled"} { // these titles are replaced by the largest line of the first page
		f := newFile()
		f.extra = fmt.Sprintf("/Info %d 0 R", f.add("<< /Title ("+title+") >>"))
		d, _ := readFile(t, f.page(at(72, 700, "/F3 20", 24, "The real title")+prose(72, 600, "Text of the page, in its usual size.")).bytes(nil))
		if d.Title != "The real title" {
			t.Errorf("%q gives %q", title, d.Title)
		}
	}
}
