package page

import (
	"bytes"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"legwork/internal/page/plaintext"
	"legwork/internal/research"
	"legwork/internal/testcost"
	"legwork/internal/testsite"
)

var pageURL = &url.URL{Scheme: "https", Host: "docs.example.com", Path: "/manual/page.html"}

func TestPagesOfTheSite(t *testing.T) {
	t.Parallel()
	site := testsite.Start(t)
	f, _ := fetcher(t, config())
	for path, want := range map[string]struct{ title, language, text string }{
		"/index.html":                   {"Aurora kettle manual", "en", "- 2. Settings\n  - 2.1. Heating"},
		"/manual/settings-heating.html": {"2.1. Heating", "en", "keep_warm_minutes (integer)\n\n How long the water is kept at its temperature after boiling. The default is 25 minutes; 0 turns"},
		"/manual/errors.html":           {"3.2. Error codes", "en", "| E42 | The lid is open | Close the lid"},
		"/manual/specifications.html":   {"4. Specifications", "en", "| Capacity | 1.7 litres |"},
		"/manual/start.html":            {"1. Getting started", "en", "aurora boil --temperature 80\naurora status"},
		"/manual/a-z.html":              {"Index A–Z", "en", "- boiling\n  - first, Getting started"},
		"/manual/long.html":             {"The history of boiling", "en", "In the year 2030"},
		"/manual/recipes.md":            {"Recipes", "en", "| Green | 80 | 2 |"},
		"/de/technik.html":              {"Technisches Datenblatt", "de", "fasst 1,7 Liter"},
		"/changes.txt":                  {"changes.txt", "en", "14 May 2024"},
		"/charset/latin1":               {"Café", "de", "Das Café öffnet um fünf."},
		"/charset/meta":                 {"Quotes", "en", "“Curly” and € 5"},
		"/charset/wrong":                {"Wrong", "de", "Das Café ist zu."},
		"/nul":                          {"Nul", "", "Water boils at "},
		"/broken.html":                  {"Broken", "en", "The end is near"},
		"/untyped":                      {"Untyped", "", "A page without a type."},
	} {
		v := visit(t, f, site.URL(path), Policy{})
		if v.Outcome != research.OutcomeOK {
			t.Errorf("%s: %s", path, v.Message)
			continue
		}
		if v.Title != want.title || v.Page.Language != want.language || !strings.Contains(v.Page.Text, want.text) {
			t.Errorf("%s: %q %q\n%s", path, v.Title, v.Page.Language, v.Page.Text)
		}
		if !utf8.ValidString(v.Page.Text) || strings.ContainsRune(v.Page.Text, 0) || len(v.Page.Passages) == 0 {
			t.Errorf("%s: unclean or without passages", path)
		}
	}
	v := visit(t, f, site.URL("/manual/hidden.html"), Policy{})
	if strings.Contains(v.Page.Text, "nine litres") || !strings.Contains(v.Page.Text, "BANANA") {
		t.Errorf("hidden text: %s", v.Page.Text)
	}
}

func FuzzFromHTML(f *testing.F) {
	f.Add([]byte("<dl><dt>a<dd><p>b <a href=x>c</a></dl>"), "text/html")
	f.Add([]byte("<dl><dd><pre>a\n</dl><table><tr><dl><dt><td>\x00\xff<a href='//%zz'>"), "")
	f.Add([]byte("<table><caption><dl><dt>x</table><ul><li><dl><dt>a<dd>b"), "application/xhtml+xml; charset=utf-16")
	f.Add([]byte("# T\n\n| a |\n|---|\n| <b>x |\n"), "text/markdown")
	f.Add([]byte("<title>Broken<h1>Broken page</h1><p>One <b>two <i>three</b> four</i>"), "text/html; charset=koi8-r")
	f.Fuzz(func(t *testing.T, body []byte, contentType string) {
		var p research.Page
		var links []research.Link
		var err error
		if bytes.Contains(body, []byte("%PDF")) || strings.Contains(contentType, "pdf") {
			return // PDFs are fuzzed in package pdf, because here each PDF would start PDFium anew
		}
		testcost.Check(t, len(body), testcost.Limit{Time: 100 * time.Microsecond, Alloc: 20_000}, func() {
			p, links, err = Read(pageURL, http.Header{"Content-Type": {contentType}}, body)
		})
		if err != nil {
			if !errors.Is(err, ErrEmpty) && !errors.Is(err, ErrType) {
				t.Fatal(err)
			}
			if strings.Contains(err.Error(), "parser failed") && contentType == "text/html" {
				t.Fatal(err)
			}
			return
		}
		for _, s := range []string{p.Text, p.Title} {
			if plaintext.Clean(s) != s {
				t.Fatalf("unclean: %q", s)
			}
		}
		for _, l := range links {
			u, err := url.Parse(l.URL)
			if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Fragment != "" || plaintext.Clean(l.Text+l.Context+l.Heading+l.Frag) != l.Text+l.Context+l.Heading+l.Frag {
				t.Fatalf("%+v %v", l, err)
			}
			if utf8.RuneCountInString(l.Context) > 200 || utf8.RuneCountInString(l.Text) > 200 {
				t.Fatalf("%+v", l)
			}
		}
	})
}
