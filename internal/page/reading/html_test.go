package reading

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"legwork/internal/research"
)

var pageURL = &url.URL{Scheme: "https", Host: "docs.example.com", Path: "/manual/page.html"}

// parse parses a UTF-8 document whose address is base. The input's function SameSite compares two host names without
// "www."; from the second one, which is the document's own, it also removes "docs.".
func parse(base *url.URL, language, text string) *Document {
	return Parse(Input{Text: text, URL: base, Language: language,
		SameSite: func(a, b *url.URL) bool {
			return strings.TrimPrefix(strings.ToLower(a.Host), "www.") == strings.TrimPrefix(strings.TrimPrefix(b.Host, "docs."), "www.")
		},
	})
}

func read(base *url.URL, language string, text string) (research.Page, []research.Link, error) {
	d := parse(base, language, text)
	p, err := d.Page()
	return p, d.Links, err
}

func fromHTML(t *testing.T, html string) (research.Page, []research.Link) {
	t.Helper()
	p, links, err := read(pageURL, "", html)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(p.Text))
	if p.ID != hex.EncodeToString(sum[:]) {
		t.Errorf("ID %s", p.ID)
	}
	return p, links
}

func TestMarkdown(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ html, want string }{
		"inline markup goes":   {`<p>A <b>bold</b>, <em>soft</em> <a href=/x>link</a> and <code>code_with_under*scores</code>.`, "A bold, soft link and code_with_under*scores."},
		"no escapes":           {`<p>1 * 2 &lt; 3 &amp;&amp; a_b [x] # y ` + "`z`" + ` &amp;lt;`, "1 * 2 < 3 && a_b [x] # y `z` &lt;"},
		"white space":          {"<p>one\n   two\t three</p>\n\n\n<p>four&nbsp;five", "one two three\n\nfour five"},
		"line breaks":          {"<p>one<br>two", "one\ntwo"},
		"headings":             {"<h1>A <code>b</code></h1><p>x</p><h3>C\nD</h3><p>y", "# A b\n\nx\n\n### C D\n\ny"},
		"images":               {`<p>See <img src=a.png alt="the lid"> and <img src=b.png>.`, "See the lid and ."},
		"lists":                {"<ul><li>one<li>two<ul><li>three</ul></ul><ol><li>a<li>b</ol>", "- one\n- two\n  - three\n\n1. a\n2. b"},
		"table":                {"<table><tr><th>A<th>B<tr><td>1<td>a | b<tr><td><td><tr><td colspan=2>wide</table>", "| A | B |\n| 1 | a | b |\n| wide | |"},
		"table caption":        {"<table><caption>Sizes</caption><tr><td>1<td>2</table>", "Sizes\n\n| 1 | 2 |"},
		"table of one column":  {"<table><tr><td><p>f(x)</p><p>Does f.</p><tr><td>g(x)</table>", "f(x)\nDoes f.\n\ng(x)"},
		"table for layout":     {"<table><tr><td><ul><li>menu</ul><td><h2>Title</h2><p>Text</table>", "- menu\n\n## Title\n\nText"},
		"code block":           {"<pre><code class=language-go>if a &lt; b {\n\n\n\tx()\n}\n</code></pre>", "if a < b {\n\n\n\tx()\n}"},
		"definitions":          {"<dl><dt>a <i>int</i><dd><p>First.<p>Second.<dt>b<dt>c<dd>Both.</dl><p>After", "a int\n\n First.\n\n Second.\n\nb\nc\n\n Both.\n\nAfter"},
		"definitions in divs":  {"<dl><div><dt>a</dt><dd>A.</dd></div><div><dt>b</dt><dd>B.</dd></div></dl>", "a\n\n A.\n\nb\n\n B."},
		"nested definitions":   {"<dl><dt>a<dd>A.<dl><dt>b<dd>B.<dl><dt>c<dd>C.</dl></dl></dl>", "a\n\n A.\n\n b\n\n  B.\n\n  c\n\n   C."},
		"definition with code": {"<dl><dt>a<dd>Use:<pre>x\n\ny</pre></dl>", "a\n\n Use:\n\n x\n\n y"},
		"contents":             {"<dl><dt><a href=1>One</a><dd><dl><dt>Sub</dl><dt>Two</dl>", "- One\n  - Sub\n- Two"},
		"quotes and powers":    {"<p><q>Ten</q> is 10<sup>1</sup>, H<sub>2</sub>O<sup>note</sup>", "“Ten” is 10¹, H2Onote"},
		"blockquote":           {"<blockquote><p>Wise words.</blockquote>", "Wise words."},
		"hidden":               {"<p>Seen<span hidden>A</span><span style='color:red; display: NONE'>B</span><span aria-hidden=true>C</span><script>D</script><!-- E --><noscript>F</noscript><template>G</template>", "Seen"},
		"controls":             {"<p>Text<form><input value=v><select><option>o</select><textarea>t</textarea><button>b</button></form>", "Text"},
		"note":                 {"<h2>Use</h2><p>a</p><div class='note'><h3>Note</h3><p>b</p></div><p>c</p>", "## Use\n\na\n\nNote\n\nb\n\nc"},
		"navigation":           {"<div class=navheader><table><tr><td>Prev<td>Next</table></div><nav>menu</nav><header>top</header><article><header><h1>T</h1></header><p>Text</article><footer>end</footer>", "# T\n\nText"},
		"title stands in":      {"<title>From the title</title><p>Text", "# From the title\n\nText"},
		"control characters": { // HTML reads &#0; as U+FFFD
			"<p>a\x00b&#0;&#7;&#xFDD0;c", "ab\uFFFD\uFFFDc"},
		"custom elements": {"<my-box><p>In a box</my-box>", "In a box"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, _ := fromHTML(t, tt.html)
			if p.Text != tt.want {
				t.Errorf("got\n%q\nwant\n%q", p.Text, tt.want)
			}
		})
	}
}

// settings returns a page with definition lists, as in generated manuals. Readability drops such lists.
func settings(n int) string {
	var b strings.Builder
	b.WriteString(`<html lang="en"><head><title>9.9. Settings</title></head><body><div class="navheader"><table><tr><td><a href="a.html">Prev</a></td><td><a href="b.html">Next</a></td></tr></table></div>
<div class="sect1"><h2 class="title">9.9. Settings</h2><div class="toc"><dl class="toc"><dt><a href="#A">9.9.1. Limits</a></dt></dl></div><div class="sect2"><h3>9.9.1. Limits</h3><div class="variablelist"><dl class="variablelist">`)
	for i := range n {
		fmt.Fprintf(&b, `<dt id="S-%d"><span class="term"><code class="varname">setting_%d</code> (<code>integer</code>)<a id="x%d" class="indexterm"></a></span></dt><dd><p>
        Bounds the number of kettles in kitchen %d. The default is
        %d kettles. See <a class="xref" href="other.html#O-%d" title="Other">Section %d</a>.</p></dd>`, i, i, i, i, 100+i, i, i)
	}
	b.WriteString(`</dl></div></div></div><div class="navfooter"><table><tr><td>Prev</td></tr></table></div></body></html>`)
	return b.String()
}

func TestDefinitionsOfAManualSurvive(t *testing.T) {
	t.Parallel()
	p, links := fromHTML(t, settings(40))
	for i := range 40 {
		want := fmt.Sprintf("\n\nsetting_%d (integer)\n\n Bounds the number of kettles in kitchen %d. The default is %d kettles. See Section %d.", i, i, 100+i, i)
		if !strings.Contains(p.Text, want) {
			t.Fatalf("setting_%d is missing in\n%s", i, p.Text)
		}
	}
	if strings.Contains(p.Text, "Prev") {
		t.Error("navigation is part of the text")
	}
	if p.Title != "9.9. Settings" || p.Language != "en" || !strings.HasPrefix(p.Text, "## 9.9. Settings\n") || !strings.Contains(p.Text, "\n### 9.9.1. Limits\n") {
		t.Errorf("%q %q %.40q", p.Title, p.Language, p.Text)
	}
	l := links[len(links)-1]
	want := research.Link{URL: "https://docs.example.com/manual/other.html", Frag: "O-39", Text: "Section 39", Heading: "9.9.1. Limits",
		Context: "setting_39 (integer) Bounds the number of kettles in kitchen 39. The default is 139 kettles. See Section 39."}
	if l != want {
		t.Errorf("%+v", l)
	}
	if links[0].URL != "https://docs.example.com/manual/a.html" {
		t.Errorf("links of the navigation are missing: %+v", links[0])
	}
}

func TestArticleIsTakenOutOfItsSurroundings(t *testing.T) {
	t.Parallel()
	story := strings.Repeat("<p>The kettle, which had been cold for years, began to sing again, and everybody in the house, young and old, came to listen to it.</p>", 20)
	p, _ := fromHTML(t, `<title>News</title><body><div id="menu"><ul><li>Sports</li><li>Weather</li></ul></div><div class="post"><h1>Kettle sings</h1>`+story+
		`</div><div class="comments"><p>First!</p><p>Me too.</p></div><div class="ad-banner">Buy now</div>`)
	if strings.Contains(p.Text, "Buy now") || strings.Contains(p.Text, "First!") || strings.Count(p.Text, "began to sing") != 20 {
		t.Errorf("%.300s … %s", p.Text, p.Text[len(p.Text)-100:])
	}
	if !strings.HasPrefix(p.Text, "# Kettle sings\n") {
		t.Errorf("%.80q", p.Text)
	}
}

func TestTitleAndLanguage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		html, header    string
		title, language string
	}{
		{`<html lang="en-GB"><title> A
 title </title><h1>H</h1>`, "de", "A title", "en"},
		{`<html xml:lang="PT_br"><h1>H <b>1</b></h1><meta property="og:title" content="O">`, "", "H 1", "pt"},
		{`<meta property="og:title" content="O"><p>x`, "de-AT, en", "O", "de"},
		{`<svg><title>icon</title></svg><p>x`, "", "", ""},
		{`<html lang="english please"><p>x`, "", "", ""},
		{`<title>` + strings.Repeat("ä", 500) + `</title><p>x`, "", strings.Repeat("ä", 200), ""},
	} {
		p, _, err := read(pageURL, tt.header, tt.html)
		if err != nil || p.Title != tt.title || p.Language != tt.language {
			t.Errorf("%.60s: %q %q %v", tt.html, p.Title, p.Language, err)
		}
	}
}

func TestEmptyPagesKeepTheirLinks(t *testing.T) {
	t.Parallel()
	p, links, err := read(pageURL, "", `<title>T</title><a href="/x"><img src="y"></a>`)
	if !errors.Is(err, ErrEmpty) || len(links) != 1 || p.Title != "T" {
		t.Errorf("%v %v %q", err, links, p.Title)
	}
}

func TestLargeIndexIsFast(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("<title>Index</title><h1>Index</h1>")
	for i := range 150 {
		fmt.Fprintf(&b, "<h3>%d</h3><dl>", i)
		for j := range 20 {
			fmt.Fprintf(&b, `<dt>entry %d-%d, <a class="indexterm" href="page-%d.html#E-%d">A page about it</a></dt><dd><dl><dt>detail, <a href="p%d.html">Details</a></dt></dl></dd>`, i, j, i, j, j)
		}
		b.WriteString("</dl>")
	}
	began := time.Now()
	p, links := fromHTML(t, b.String())
	if took := time.Since(began); took > time.Minute { // takes 0.2 s on an idle machine without the race detector
		t.Errorf("%d bytes took %v", b.Len(), took)
	}
	if len(links) != maxLinks || len(p.Passages) < 300 {
		t.Errorf("%d links, %d passages", len(links), len(p.Passages))
	}
}

func TestHostileNesting(t *testing.T) {
	t.Parallel()
	for _, open := range []string{"<div>", "<b>", "<table><tr><td>", "<dl><dd>", "<ul><li>", "<blockquote>", "<a href=x><p>", "<font><p>"} {
		began := time.Now()
		p, _, err := read(pageURL, "", strings.Repeat(open, 1000)+"deep words")
		if err != nil || !strings.Contains(p.Text, "deep words") {
			t.Errorf("%s: %v %.80q", open, err, p.Text)
		}
		if took := time.Since(began); took > time.Minute {
			t.Errorf("%s took %v", open, took)
		}
	}
}
