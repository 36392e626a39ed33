package site

import (
	"bytes"
	"io/fs"
	"path"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// page has the parts of an HTML page that the tests check.
type page struct {
	title    string
	language string
	headings int // h1 elements
	ids      map[string]bool
	links    []string // href and src
}

func parse(t *testing.T, name string) page {
	t.Helper()
	raw, err := fs.ReadFile(FS(), name)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := html.Parse(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	p := page{ids: map[string]bool{}}
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		switch n.Data {
		case "script":
			t.Errorf("%s has a script", name)
		case "h1":
			p.headings++
		case "title":
			p.title = n.FirstChild.Data
		}
		for _, a := range n.Attr {
			switch {
			case a.Key == "id" && p.ids[a.Val]:
				t.Errorf("%s: the id %q occurs twice", name, a.Val)
			case a.Key == "id":
				p.ids[a.Val] = true
			case a.Key == "href" || a.Key == "src":
				p.links = append(p.links, a.Val)
			case a.Key == "lang":
				p.language = a.Val
			}
		}
	}
	return p
}

func TestSite(t *testing.T) {
	t.Parallel()
	names, err := fs.Glob(FS(), "*.html")
	if err != nil || len(names) < 8 {
		t.Fatalf("pages %q, %v", names, err)
	}
	pages, titles := map[string]page{}, map[string]string{}
	for _, name := range names {
		p := parse(t, name)
		pages[name] = p
		if p.headings != 1 || p.language != "en" || p.title == "" {
			t.Errorf("%s: %d main headings, language %q, title %q", name, p.headings, p.language, p.title)
		}
		if other := titles[p.title]; other != "" {
			t.Errorf("%s and %s share the title %q", name, other, p.title)
		}
		titles[p.title] = name
	}
	reached := map[string]bool{"index.html": true}
	for todo := []string{"index.html"}; len(todo) > 0; todo = todo[1:] {
		for _, link := range pages[todo[0]].links {
			target, fragment, _ := strings.Cut(link, "#")
			if target == "" {
				target = todo[0]
			}
			if path.Ext(target) != ".html" {
				if _, err := fs.Stat(FS(), target); err != nil {
					t.Errorf("%s links to %s: %v", todo[0], link, err)
				}
				continue
			}
			to, ok := pages[target]
			if !ok || fragment != "" && !to.ids[fragment] {
				t.Errorf("%s links to %s, which is not there", todo[0], link)
			}
			if ok && !reached[target] {
				reached[target] = true
				todo = append(todo, target)
			}
		}
	}
	for name := range pages {
		if !reached[name] {
			t.Errorf("%s cannot be reached from index.html", name)
		}
	}
}
