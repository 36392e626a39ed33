package search

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"legwork/internal/testcost"
	"legwork/internal/weburl"
)

// readEngines reads an answer as each engine that uses the web does, and returns all results.
func readEngines(body string) (results []Result) {
	a := answer{status: 200, body: []byte(body)}
	for _, read := range []func(answer) ([]Result, error){
		readDuckDuckGo, readBing, readSearXNG, func(a answer) ([]Result, error) { r, _, err := readGoogle(a); return r, err },
	} {
		found, err := read(a)
		if err == nil {
			results = append(results, found...)
		}
	}
	return clean(results, len(results))
}

// checkReading reads an answer as all engines, and checks the cost and the results.
func checkReading(t *testing.T, body string) {
	t.Helper()
	var results []Result
	testcost.Check(t, len(body), testcost.Limit{Time: 20 * time.Microsecond, Alloc: 2 << 10}, func() { results = readEngines(body) })
	for _, r := range results {
		_, err := weburl.Parse(r.URL)
		require.NoError(t, err, r.URL)
		require.LessOrEqual(t, len(r.Title), maxTitle)
		require.LessOrEqual(t, len(r.Snippet), maxSnippet)
		require.True(t, utf8.ValidString(r.Title+r.Snippet), r)
	}
}

// TestHostileAnswers reads answers that were made to use up time and memory. Reading each of them must stay within the
// limits.
func TestHostileAnswers(t *testing.T) {
	const size = 1 << 20
	var formatting strings.Builder
	for i := range 400 {
		fmt.Fprintf(&formatting, "<b a%d>", i)
	}
	fill := func(unit string) string { return strings.Repeat(unit, size/len(unit)) }
	nested := strings.Repeat("<div class=result><ul><li class=b_algo>", 50)
	for name, body := range map[string]string{
		"open formatting elements": "<p>" + formatting.String() + "</p>" + fill("<p>x</p>"),
		"nested results":           nested + fill("<i>x</i>"),
		"one long snippet":         nested + `<h2><a href=http://a.example/ class=result__a>t</a></h2><div class=b_caption><p class=result__snippet>` + fill("word "),
		"links without a heading":  strings.Repeat("<div>", 400) + "<li class=b_algo>" + fill("<a>x</a>"),
		"classes":                  fill("<li class='b_algo " + strings.Repeat("c ", 50) + "'>"),
		"attributes":               "<form " + fill("class=anomaly ") + ">",
		"end tags":                 strings.Repeat("<div>", 400) + fill("</b>"),
		"depth":                    fill("<div>"),
		"items":                    `{"items":[` + fill("{},") + `{}],"results":[` + fill("{},") + `{}]}`,
		"arrays":                   `{"results":[],"unresponsive_engines":[` + fill("[1,{}],") + `[]]}`,
		"JSON depth":               `{"unresponsive_engines":` + fill("["),
	} {
		t.Run(name, func(t *testing.T) { checkReading(t, body) })
	}
}

// TestParsePage checks the tree of pages with missing, wrong and optional end tags.
func TestParsePage(t *testing.T) {
	t.Parallel()
	for page, want := range map[string]string{
		`<p>a<b>b</b>c</p>d`:               `<p>a<b>b</b>c</p>d`,
		`<ul><li>a<li>b</ul>c`:             `<ul><li>a</li><li>b</li></ul>c`,
		`<div>a<br>b<img src=x>c</div>d`:   `<div>a<br/>b<img src="x"/>c</div>d`,
		`a</b>c</div>`:                     `ac`,
		`<div><b>a</div>b`:                 `<div><b>a</b></div>b`,
		`<script>"<p>"</script><p>a &lt;`:  `<script>"<p>"</script><p>a &lt;</p>`,
		`<!-- <p> --><!doctype html><i/>a`: `<i></i>a`,
	} {
		var b strings.Builder
		require.NoError(t, html.Render(&b, parsePage([]byte(page))))
		require.Equal(t, want, b.String(), page)
	}
	deep := strings.Repeat("<div>", 2*maxDepth) + "x" + strings.Repeat("</div>", 2*maxDepth) + "<p>y</p>"
	root := parsePage([]byte(deep))
	require.Equal(t, "p", root.LastChild.Data)
	require.Equal(t, "xy", words(root))
}

func FuzzAnswers(f *testing.F) {
	f.Add(`<div class="result"><h2><a class="result__a" href="//duckduckgo.com/l/?uddg=http%3A%2F%2Fa.example%2F">A <b>b</b></a></h2><a class="result__snippet">s</a></div>`)
	f.Add(`<ol id="b_results"><li class="b_algo"><h2><a href="https://www.bing.com/ck/a?u=a1aHR0cDovL2EuZXhhbXBsZS8">A</a></h2><div class="b_caption"><p>s</p></div>`)
	f.Add(`{"items":[{"link":"http://a.example/","title":"A","snippet":"s"}],"queries":{"nextPage":[{}]}}`)
	f.Add(`{"results":[{"url":"http://a.example/","title":"A","content":"s"}],"unresponsive_engines":[["google","CAPTCHA"]]}`)
	f.Add(`<p><b a><b b></p><p>x</p><form action="anomaly.js">`)
	f.Fuzz(func(t *testing.T, body string) { checkReading(t, body) })
}
