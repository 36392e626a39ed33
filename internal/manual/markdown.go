package manual

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"path"
	"strings"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
)

// readPage renders a Markdown file. Raw HTML in it is left out.
func readPage(name string, source []byte) (*page, error) {
	p := &page{file: name, address: addressOf(name), source: string(source)}
	markdown := goldmark.New(goldmark.WithExtensions(extension.GFM))
	root := markdown.Parser().Parse(text.NewReader(source))
	used := map[string]int{}
	var outside []*ast.Link
	err := ast.Walk(root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Heading:
			p.addHeading(n, source, used)
		case *ast.Paragraph:
			if p.summary == "" && n.Parent() == root {
				p.summary = plain(n, source)
			}
		case *ast.Link:
			if !p.resolve(n) {
				outside = append(outside, n)
			}
		case *ast.Image:
			p.images = append(p.images, string(n.Destination))
		case *ast.HTMLBlock, *ast.RawHTML:
			return ast.WalkStop, errors.New("raw HTML is not shown; write Markdown")
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		return nil, err
	}
	if p.title == "" || p.summary == "" {
		return nil, errors.New("a page begins with a heading of the first level and a paragraph that says what it is about")
	}
	for _, link := range outside { // files of the repository that are no documentation: the site shows only the text of the link
		parent := link.Parent()
		for child := link.FirstChild(); child != nil; child = link.FirstChild() {
			parent.InsertBefore(parent, link, child)
		}
		parent.RemoveChild(parent, link)
	}
	var out bytes.Buffer
	if err := markdown.Renderer().Render(&out, source, root); err != nil {
		return nil, fmt.Errorf("render: %w", err)
	}
	wide := strings.NewReplacer("<table>", `<div class="wide" tabindex="0"><table>`, "</table>", "</table></div>").Replace(out.String())
	p.body = template.HTML(wide) //nolint:gosec // goldmark escapes the text and leaves out raw HTML
	return p, nil
}

// addHeading gives a heading its id: its text as GitHub makes fragments of it.
func (p *page) addHeading(n *ast.Heading, source []byte, used map[string]int) {
	title := plain(n, source)
	if n.Level == 1 && p.title == "" {
		p.title = title
		return
	}
	id := strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}, title)
	used[id]++
	if used[id] > 1 {
		id = fmt.Sprintf("%s-%d", id, used[id]-1)
	}
	n.SetAttributeString("id", []byte(id))
	p.all = append(p.all, heading{ID: id, Text: title})
	if n.Level == 2 {
		p.headings = append(p.headings, heading{ID: id, Text: title})
	}
}

// resolve changes the destination of a link to a page of the documentation to its address in the site. It returns false for a link to a
// file of the repository that is no documentation.
func (p *page) resolve(n *ast.Link) bool {
	to := string(n.Destination)
	if strings.Contains(to, "://") || strings.HasPrefix(to, "mailto:") {
		return true
	}
	file, fragment, _ := strings.Cut(to, "#")
	if file != "" && (path.Ext(file) != ".md" || strings.HasPrefix(path.Join(path.Dir(p.file), file), "../")) {
		return false
	}
	p.links = append(p.links, to)
	if file != "" {
		dir, base := path.Split(file)
		if path.Join(path.Dir(p.file), file) == index || base == "README.md" {
			file = dir + "index.html"
		} else {
			file = strings.TrimSuffix(file, ".md") + ".html"
		}
	}
	if fragment != "" {
		fragment = "#" + fragment
	}
	n.Destination = []byte(file + fragment)
	return true
}

// plain returns the text of a node without its marks.
func plain(n ast.Node, source []byte) string {
	var b strings.Builder
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if t, ok := n.(*ast.Text); ok && entering {
			b.Write(t.Segment.Value(source))
			if t.SoftLineBreak() || t.HardLineBreak() {
				b.WriteByte(' ')
			}
		}
		if t, ok := n.(*ast.String); ok && entering {
			b.Write(t.Value)
		}
		return ast.WalkContinue, nil
	})
	return b.String()
}

// readMenu makes the menu from the links in the lists of the index.
func (s *Site) readMenu(source []byte) {
	home := s.pages[index]
	s.order = append(s.order, home)
	s.menu = []group{{pages: []*page{home}}}
	root := goldmark.DefaultParser().Parse(text.NewReader(source))
	seen := map[*page]bool{home: true}
	for n := root.FirstChild(); n != nil; n = n.NextSibling() {
		switch n := n.(type) {
		case *ast.Heading:
			if n.Level > 1 {
				s.menu = append(s.menu, group{Title: plain(n, source), Sub: n.Level > 2})
			}
		case *ast.List:
			_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
				link, ok := n.(*ast.Link)
				if !ok || !entering {
					return ast.WalkContinue, nil
				}
				if p := s.pages[string(link.Destination)]; p != nil && !seen[p] {
					seen[p] = true
					g := &s.menu[len(s.menu)-1]
					g.pages = append(g.pages, p)
					s.order = append(s.order, p)
				}
				return ast.WalkContinue, nil
			})
		}
	}
	kept := s.menu[:0]
	for i, g := range s.menu { // a heading without pages is kept if it has subheadings with pages
		if len(g.pages) > 0 || !g.Sub && i+1 < len(s.menu) && s.menu[i+1].Sub {
			kept = append(kept, g)
		}
	}
	s.menu = kept
}
