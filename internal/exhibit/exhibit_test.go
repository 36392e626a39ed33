package exhibit_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unicode"

	"golang.org/x/net/html"

	"legwork/internal/exhibit"
)

// shown renders a snapshot and parses the result.
func shown(t *testing.T, text string, quotes ...exhibit.Quote) *html.Node {
	t.Helper()
	out, err := exhibit.HTML(exhibit.Page{Title: "A page", URL: "https://example.org/a", ReadAt: time.Unix(1_770_000_000, 0), Text: text, Quotes: quotes})
	if err != nil {
		t.Fatal(err)
	}
	doc, err := html.Parse(strings.NewReader(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// quote returns quote number n: the code points of the text from start to end.
func quote(n int, text string, start, end int) exhibit.Quote {
	return exhibit.Quote{N: n, Start: start, End: end, Text: string([]rune(text)[start:end])}
}

// find returns the quote for the first occurrence of part in a text.
func find(t *testing.T, n int, text, part string) exhibit.Quote {
	t.Helper()
	before, _, ok := strings.Cut(text, part)
	if !ok {
		t.Fatalf("%q is not in %q", part, text)
	}
	start := len([]rune(before))
	return quote(n, text, start, start+len([]rune(part)))
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func walk(n *html.Node, visit func(*html.Node)) {
	visit(n)
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		walk(c, visit)
	}
}

func element(doc *html.Node, name string) (found *html.Node) {
	walk(doc, func(n *html.Node) {
		if found == nil && n.Type == html.ElementNode && n.Data == name {
			found = n
		}
	})
	return found
}

// textOf returns the text below n. A br element ends a line.
func textOf(n *html.Node) string {
	var b strings.Builder
	walk(n, func(n *html.Node) {
		if n.Type == html.TextNode {
			b.WriteString(n.Data)
		}
		if n.Type == html.ElementNode && n.Data == "br" {
			b.WriteByte('\n')
		}
	})
	return b.String()
}

// marked returns the text inside the marks of a quote, and how many of the marks have its id.
func marked(doc *html.Node, n int) (text string, ids int) {
	class := fmt.Sprintf("cite-%d", n)
	walk(element(doc, "main"), func(m *html.Node) {
		if attr(m, "id") == class {
			ids++
		}
		if m.Type == html.ElementNode && m.Data == "mark" && attr(m, "class") == class {
			text += textOf(m)
		}
	})
	return text, ids
}

// plain removes white space, because blocks and line ends change it.
func plain(s string) string { return strings.Join(strings.Fields(s), "") }

const sample = `# Kettles

Descale the kettle every **month**, or a_b_c & <b>often</b>.
The second line has “quotes” & 5 * 3 = 15 – naïve 😀 text.

## Table of limits

| Name | Default |
| --- | --- |
| max_connections | 100 |
| work_mem | 4 MB |

- First item with a [link](javascript:alert(1))
- Second item

  1. nested <script>alert(1)</script>

> A quotation
> over two lines

` + "```go\nfunc main() { fmt.Println(\"<hi>\") }\n```" + `

**wal_level**
 It says &lt;how much&gt; is written. &#60;img src=x onerror=alert(1)&#62;
`

func TestMarks(t *testing.T) {
	t.Parallel()
	for _, part := range []string{
		"Descale the kettle every **month**, or a_b_c & <b>often</b>.",
		"<b>oft", "😀", "month**, or a_b_c & <b>often</b>.\nThe second line has “quotes” & 5 * 3 = 15 –", "max_connections", "100",
		"nested <script>alert(1)</script>", "[link](javascript:alert(1))", `fmt.Println("<hi>")`, "wal_level", "&lt;how much&gt;", "&l", "#60;img src=x",
		"Kettles", "A quotation",
	} {
		doc := shown(t, sample, find(t, 7, sample, part))
		text, ids := marked(doc, 7)
		if plain(text) != plain(part) || ids != 1 {
			t.Errorf("marked %q (%d ids), want %q", text, ids, part)
		}
	}
	// If a quote spans several blocks, its marked text lacks only the Markdown signs of the blocks.
	for part, want := range map[string]string{
		"text.\n\n## Table of": "text.Table of", "| max_connections | 100 |\n| work_mem |": "max_connections100work_mem",
		"alert(1))\n- Second item\n\n  1. nested": "alert(1))Second itemnested", "A quotation\n> over": "A quotationover",
		"lines\n\n```go\nfunc": "linesgofunc", "**wal_level**\n It": "wal_levelIt",
	} {
		doc := shown(t, sample, find(t, 3, sample, part))
		if text, ids := marked(doc, 3); plain(text) != plain(want) || ids != 1 {
			t.Errorf("marked %q (%d ids), want %q", text, ids, want)
		}
	}
}

// TestListing: code without fences keeps its lines and their indentation. A comment in it is not a heading.
func TestListing(t *testing.T) {
	t.Parallel()
	const listing = "# first\nif ready; then\n  # wait\n  descale --now\nfi"
	doc := shown(t, "# Kettles\n\nRun this:\n\n"+listing+"\n\n## Next\n\nDone.")
	body, headings := element(doc, "main"), 0
	walk(body, func(n *html.Node) {
		if n.Type == html.ElementNode && (n.Data == "h2" || n.Data == "h3") {
			headings++
		}
	})
	if got := textOf(body); headings != 2 || !strings.Contains(got, listing) {
		t.Errorf("%d headings in\n%s", headings, got)
	}
}

// TestOverlappingMarks: cited spans may overlap, contain each other and be equal. Each quote has an id of its own.
func TestOverlappingMarks(t *testing.T) {
	t.Parallel()
	quotes := []exhibit.Quote{find(t, 1, sample, "Descale the kettle every"), find(t, 2, sample, "kettle every **month**"), find(t, 3, sample, "kettle"), find(t, 4, sample, "kettle")}
	doc := shown(t, sample, quotes...)
	for _, q := range quotes {
		if text, ids := marked(doc, q.N); text != q.Text || ids != 1 {
			t.Errorf("cite-%d: %q (%d ids), want %q", q.N, text, ids, q.Text)
		}
	}
}

// TestUnmarkedQuotes: a quote without visible text, and a quote that is not in the text, are listed at the top of the
// page.
func TestUnmarkedQuotes(t *testing.T) {
	t.Parallel()
	doc := shown(t, sample, find(t, 1, sample, " --- | --- "), exhibit.Quote{N: 2, Start: 5000, End: 5010, Text: "elsewhere"}, exhibit.Quote{N: 3, Start: -4, End: 3, Text: "x"})
	ids := map[string]int{}
	walk(doc, func(n *html.Node) { ids[attr(n, "id")]++ })
	for n := 1; n <= 3; n++ {
		if _, in := marked(doc, n); ids[fmt.Sprintf("cite-%d", n)] != 1 || in != 0 {
			t.Errorf("cite-%d: %d ids, %d of them in the text", n, ids[fmt.Sprintf("cite-%d", n)], in)
		}
	}
}

// bare returns the letters and digits of a text, which rendering must neither lose nor add. It leaves out the numbers of
// list items, because HTML has them in an attribute.
func bare(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, s)
}

var pieces = []string{"# ", "## ", "- ", "* ", "> ", "    ", "\t", "\n", "\n\n", "```\n", "```go\n", "~~~\n", "| a | b |\n", "| --- | --- |\n", "|", "**", "**term**\n", "`", "[a](b)",
	"<b>", "</main>", "<script>", "<!--", "]]>", "&amp;", "&#x3c;", "&", "\\", "\\|", "![x](http://x/y.png)", "[r]: http://x", "word", "Ünïcode", "😀", "é", " ", "  \n", "---\n", "===\n", "***\n", "\r", "\u00a0"}

// TestMarkedTextEqualsTheExcerpt: for any text and span, the marked text equals the excerpt, except for the Markdown
// signs of blocks.
func TestMarkedTextEqualsTheExcerpt(t *testing.T) {
	t.Parallel()
	for seed := range uint64(1500) {
		r := rand.New(rand.NewPCG(seed, 7))
		var b strings.Builder
		for range 1 + r.IntN(40) {
			b.WriteString(pieces[r.IntN(len(pieces))])
		}
		check(t, b.String(), r.IntN(1<<16), r.IntN(1<<16))
		if t.Failed() {
			t.Fatalf("seed %d: %q", seed, b.String())
		}
	}
}

// check renders a text with two overlapping spans and compares the marked text with the text of the spans.
func check(t *testing.T, text string, a, b int) {
	t.Helper()
	n := len([]rune(text))
	if n == 0 {
		return
	}
	start := a % n
	end := start + 1 + b%(n-start)
	doc := shown(t, text, quote(1, text, start, end), quote(2, text, start/2, n))
	if got, want := bare(textOf(element(doc, "main"))), bare(text); got != want {
		t.Errorf("the page says %q, the snapshot %q", got, want)
	}
	for _, q := range []exhibit.Quote{quote(1, text, start, end), quote(2, text, start/2, n)} {
		got, ids := marked(doc, q.N)
		if bare(got) != bare(q.Text) || ids > 1 {
			t.Errorf("marked %q (%d ids), want %q", got, ids, q.Text)
		}
		if rest := plain(got); !within(rest, plain(q.Text)) {
			t.Errorf("marked %q, which is not all of %q", got, q.Text)
		}
	}
	harmless(t, doc)
}

// within reports whether s equals t with some characters left out.
func within(s, t string) bool {
	at := []rune(s)
	for _, r := range t {
		if len(at) > 0 && at[0] == r {
			at = at[1:]
		}
	}
	return len(at) == 0
}

var allowed = map[string]string{"h2": "", "h3": "", "h4": "", "h5": "", "h6": "", "p": "", "br": "", "ul": "class", "ol": "start", "li": "", "dl": "", "dt": "", "dd": "", "blockquote": "", "pre": "class", "code": "",
	"strong": "", "table": "", "thead": "", "tbody": "", "tr": "", "th": "", "td": "", "mark": "id class", "div": "class", "main": "dir lang"}

// harmless fails the test for each tag and attribute that render does not write.
func harmless(t *testing.T, doc *html.Node) {
	t.Helper()
	main := element(doc, "main")
	if main == nil || main.Parent.Data != "body" {
		t.Error("the frame of the page is broken")
		return
	}
	for n := main.NextSibling; n != nil; n = n.NextSibling {
		if n.Type == html.ElementNode {
			t.Errorf("<%s> after the text", n.Data)
		}
	}
	walk(main, func(n *html.Node) {
		if n.Type == html.CommentNode {
			t.Errorf("a comment %q", n.Data)
		}
		if n.Type != html.ElementNode {
			return
		}
		attributes, ok := allowed[n.Data]
		if !ok {
			t.Errorf("<%s> in the text", n.Data)
		}
		for _, a := range n.Attr {
			if !strings.Contains(" "+attributes+" ", " "+a.Key+" ") {
				t.Errorf("<%s %s=%q>", n.Data, a.Key, a.Val)
			}
		}
	})
}

func FuzzHTML(f *testing.F) {
	f.Add(sample, 10, 50)
	for _, s := range hostile {
		f.Add(s, 0, 1<<20)
	}
	f.Fuzz(func(t *testing.T, text string, a, b int) {
		text = strings.Map(func(r rune) rune { // as in stored snapshots: valid UTF-8, without NUL and other control characters
			if r == unicode.ReplacementChar || unicode.IsControl(r) && r != '\n' && r != '\t' {
				return ' '
			}
			return r
		}, text)
		check(t, noNumbers(text), a&0xffff, b&0xffff)
	})
}

// noNumbers removes digits, because HTML has the numbers of list items in an attribute.
func noNumbers(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return 'x'
		}
		return r
	}, s)
}

var hostile = []string{
	"<script>alert(1)</script>", "</main><script>alert(1)</script>", "</style><script>alert(1)</script>", "<img src=x onerror=alert(1)>",
	"[x](javascript:alert(1))", "[x](data:text/html;base64,PHNjcmlwdD4=)", "![x](https://evil.example/pixel.png)", "<javascript:alert(1)>",
	"&lt;script&gt;alert(1)&lt;/script&gt;", "&#60;script&#62;", "\\<script>", "<!-- --><svg/onload=alert(1)>", "<svg><style><img src=x onerror=alert(1)>",
	"# <h1 onclick=x>", "- <li><iframe src=//evil.example>", "| <td> | <b> |\n| --- | --- |\n| </table> | x |", "```\"><script>\nx\n```", "~~~ info <b>\nx",
	"<math><mtext></p><style><img src onerror=alert(1)>", "[a]: javascript:alert(1)\n\n[a]", "{{.Page}} ${x} <%= x %>", "<mark id=cite-1 class=cite-1>x</mark>",
	"<a href=\"javascript:alert(1)\" id=cite-1>", "<base href=//evil.example>", "<meta http-equiv=refresh content=0>", "<form action=//evil.example><input>",
}

// TestHostileSnapshots renders known attacks as snapshots. Each of them is shown as plain text.
func TestHostileSnapshots(t *testing.T) {
	t.Parallel()
	for _, s := range hostile {
		check(t, s, 0, 1<<16)
		doc := shown(t, s)
		harmless(t, doc)
		if got := plain(textOf(element(doc, "main"))); !within(got, plain(s)) || bare(got) != bare(s) {
			t.Errorf("%q is shown as %q", s, got)
		}
	}
	// The title and the other fields come from outside, too.
	out, err := exhibit.HTML(exhibit.Page{Title: `</title><script>alert(1)</script>`, URL: "javascript:alert(1)", Language: `en"><script>`, Text: "x",
		Quotes: []exhibit.Quote{{N: 1, Start: 0, End: 1, Text: "<script>", ScreenshotURL: "javascript:alert(1)"}}})
	if err != nil {
		t.Fatal(err)
	}
	doc, err := html.Parse(strings.NewReader(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	walk(doc, func(n *html.Node) {
		if n.Type == html.ElementNode && n.Data == "script" || strings.Contains(attr(n, "href"), "javascript") {
			t.Errorf("<%s %v>", n.Data, n.Attr)
		}
	})
}

// TestDeepNesting: a text that consists only of Markdown signs of blocks is rendered quickly.
func TestDeepNesting(t *testing.T) {
	t.Parallel()
	for _, sign := range []string{">", "> ", "- ", "1. ", "* ", ">- "} {
		text := strings.Repeat(sign, 200_000/len(sign)) + "x"
		began := time.Now()
		doc := shown(t, text, quote(1, text, len(text)-1, len(text)))
		if got, ids := marked(doc, 1); got != "x" || ids != 1 {
			t.Errorf("%q: marked %q", sign, got)
		}
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("%q: %s", sign, took)
		}
	}
}

func TestPolicy(t *testing.T) {
	t.Parallel()
	p := exhibit.Policy()
	for _, want := range []string{"default-src 'none'", "style-src 'sha256-", "base-uri 'none'", "form-action 'none'", "sandbox"} {
		if !strings.Contains(p, want) {
			t.Errorf("no %s in %s", want, p)
		}
	}
	if strings.Contains(p, "unsafe") || strings.Contains(p, "allow-scripts") || strings.Contains(p, "allow-same-origin") {
		t.Errorf("the policy allows too much: %s", p)
	}
}
