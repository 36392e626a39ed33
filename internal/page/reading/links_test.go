package reading

import (
	"fmt"
	"strings"
	"testing"
)

func TestLinks(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		html string
		want []string // URL#frag|text|context|heading
	}{
		"relative":         {`<p>Go <a href="b.html">there</a> now.`, []string{"https://docs.example.com/manual/b.html#|there|Go there now.|"}},
		"base":             {`<head><base href="/other/"></head><p><a href="b.html">b</a>`, []string{"https://docs.example.com/other/b.html#|b|b|"}},
		"bad base":         {`<head><base href="javascript:x"></head><p><a href="b">b</a>`, []string{"https://docs.example.com/manual/b#|b|b|"}},
		"protocol":         {`<p><a href="//Example.ORG/x">x</a>`, []string{"https://example.org/x#|x|x|"}},
		"not followed":     {`<p><a href="mailto:a@b">m</a><a href="javascript:x()">j</a><a href="ftp://x/">f</a><a href="">e</a><a>n</a><a href="http://">h</a><a href="http://[">b</a>`, nil},
		"nofollow is kept": {`<p><a rel=nofollow href="/n">n</a>`, []string{"https://docs.example.com/n#|n|n|"}},
		"same twice":       {`<p><a href="/n">n</a> <a href="/n">again</a>`, []string{"https://docs.example.com/n#|n|n again|"}},
		"other context":    {`<p>One <a href="/n">n</a><p>Two <a href="/n">n</a>`, []string{"https://docs.example.com/n#|n|One n|", "https://docs.example.com/n#|n|Two n|"}},
		"other fragment":   {`<p><a href="/n#a">n</a> <a href="/n#b">m</a>`, []string{"https://docs.example.com/n#a|n|n m|", "https://docs.example.com/n#b|m|n m|"}},
		"headings":         {`<h1>A</h1><p><a href="/1">1</a><h2>B <a href="#b">¶</a></h2><li><a href="/2">2</a>`, []string{"https://docs.example.com/1#|1|1|A", "https://docs.example.com/manual/page.html#b|¶|B ¶|B ¶", "https://docs.example.com/2#|2|2|B ¶"}},
		"image":            {`<p><a href="/i"><img src=x alt="a kettle"></a><a href="/j" title="jay"></a>`, []string{"https://docs.example.com/i#|a kettle||", "https://docs.example.com/j#|jay||"}},
		"definition":       {`<dl><dt>lid<dd><p>See <a href="/l">lids</a>.<p>And <a href="/m">more</a>.</dl>`, []string{"https://docs.example.com/l#|lids|lid See lids. And more.|", "https://docs.example.com/m#|more|lid And more.|"}},
		"index entries":    {`<dl><dt>boil, <a href="/b">B</a><dd><dl><dt>over, <a href="/o">O</a></dl></dl>`, []string{"https://docs.example.com/b#|B|boil, B|", "https://docs.example.com/o#|O|boil, B over, O|"}},
		"table cell":       {`<table><tr><td>one<td>two <a href="/t">t</a></table>`, []string{"https://docs.example.com/t#|t|two t|"}},
		"area":             {`<map><area href="/a" alt="left half"></map>`, []string{"https://docs.example.com/a#|left half||"}},
		"navigation too":   {`<nav><ul><li><a href="/home">Home</a></ul></nav><p>Text`, []string{"https://docs.example.com/home#|Home|Home|"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, links, _ := read(pageURL, "", tt.html)
			var got []string
			for _, l := range links {
				got = append(got, l.URL+"#"+l.Frag+"|"+l.Text+"|"+l.Context+"|"+l.Heading)
			}
			if strings.Join(got, "\n") != strings.Join(tt.want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

func TestLinkBounds(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("<p>")
	for i := range 6000 {
		fmt.Fprintf(&b, `<a href="/%d">%s</a> `, i, strings.Repeat("ä", 300))
	}
	_, links, err := read(pageURL, "", b.String()+`<a href="/`+strings.Repeat("x", 3000)+`">long</a>`)
	if err != nil || len(links) != maxLinks {
		t.Fatalf("%d links, %v", len(links), err)
	}
	if l := links[0]; len([]rune(l.Text)) != maxContext || len([]rune(l.Context)) != maxContext {
		t.Errorf("%d code points of text, %d of context", len([]rune(l.Text)), len([]rune(l.Context)))
	}
}

func TestBlockedPages(t *testing.T) {
	t.Parallel()
	prose := strings.Repeat("There is a lot to read on this page. ", 60)
	for html, want := range map[string]string{
		`<form><input type=password></form>`:                         "login",
		`<form><input type=password></form>` + prose:                 "",
		`<div class="g-recaptcha"></div>`:                            "captcha",
		`<script src="https://challenges/cf-turnstile.js"></script>`: "captcha",
		`<input name="captcha_answer">`:                              "captcha",
		`<p>An article about the captcha</p>`:                        "",
		`<div class="g-recaptcha"></div>` + prose:                    "",
	} {
		if got := parse(pageURL, "", html).Wall; got != want {
			t.Errorf("%.60s: %q, want %q", html, got, want)
		}
	}
}
