package manual

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"strings"

	"legwork/docs"
)

//go:embed *.tmpl style.css
var assets embed.FS

// index is the page that lists all others.
const index = "README.md"

// Site is the documentation, rendered. It does not change after New.
type Site struct {
	pages    map[string]*page // by the name of the Markdown file
	order    []*page          // in the order of the menu, the index first
	menu     []group
	template *template.Template
	passages searchable
	pictures map[string][]byte // SVG files by their address
}

// page is one page of the documentation.
type page struct {
	file     string // name of the Markdown file: howto/call-the-api.md
	address  string // address within the site: howto/call-the-api.html
	title    string
	summary  string // the first paragraph, as text
	body     template.HTML
	headings []heading // of the second level
	all      []heading // of all levels but the first
	links    []string  // destinations in the Markdown file
	images   []string
	source   string
}

// heading is a heading with its fragment.
type heading struct{ ID, Text string }

// group is a part of the menu: a heading of the index and the pages below it.
type group struct {
	Title string
	Sub   bool // a heading of the third level
	pages []*page
}

// New renders the documentation.
func New() (*Site, error) { return render(docs.Files) }

func render(files fs.FS) (*Site, error) {
	s := &Site{pages: map[string]*page{}, pictures: map[string][]byte{}}
	var err error
	if s.template, err = template.ParseFS(assets, "*.tmpl"); err != nil {
		return nil, fmt.Errorf("template of the documentation: %w", err)
	}
	err = fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		source, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		if path.Ext(name) == ".svg" {
			s.pictures[name] = source
			return nil
		}
		if s.pages[name], err = readPage(name, source); err != nil {
			return fmt.Errorf("docs/%s: %w", name, err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	source, err := fs.ReadFile(files, index)
	if err != nil {
		return nil, err
	}
	s.readMenu(source)
	s.passages = passagesOf(s.order)
	return s, nil
}

// addressOf returns the address within the site of a Markdown file.
func addressOf(file string) string {
	if file == index {
		return "index.html"
	}
	dir, base := path.Split(file)
	if base == "README.md" {
		return dir + "index.html"
	}
	return strings.TrimSuffix(file, ".md") + ".html"
}

// check is for tests: a link that leads nowhere must not keep a server from starting. It returns an error for links that lead nowhere, and for pages that the index does not list.
func (s *Site) check() error {
	var bad []error
	listed := map[string]bool{}
	for _, p := range s.order {
		listed[p.file] = true
	}
	for name, p := range s.pages {
		inFolder := s.pages[path.Join(path.Dir(name), "README.md")]
		if !listed[name] && (inFolder == nil || inFolder.file == index) { // the pages of a folder with an index of its own are listed there
			bad = append(bad, fmt.Errorf("docs/%s is not in the list of docs/%s", name, index))
		}
		for _, image := range p.images {
			if s.pictures[path.Join(path.Dir(name), image)] == nil {
				bad = append(bad, fmt.Errorf("docs/%s shows %s, which is not there", name, image))
			}
		}
		for _, link := range p.links {
			file, fragment, _ := strings.Cut(link, "#")
			to := p
			if file != "" {
				to = s.pages[path.Join(path.Dir(name), file)]
			}
			if to == nil {
				bad = append(bad, fmt.Errorf("docs/%s links to %s, which is not there", name, link))
			} else if fragment != "" && !bytes.Contains([]byte(to.body), []byte(` id="`+fragment+`"`)) {
				bad = append(bad, fmt.Errorf("docs/%s links to %s, but docs/%s has no such heading", name, link, to.file))
			}
		}
	}
	return errors.Join(bad...)
}

// view has what the templates show.
type view struct {
	Title, Summary string
	Root           string // relative path to the root of the site: "" or "../"
	Menu           []menuGroup
	Body           template.HTML
	Headings       []heading
	Previous, Next *menuLink
	Query          string
	Results        []Result
	Searched       bool
}

type menuGroup struct {
	Title string
	Sub   bool
	Links []menuLink
}

type menuLink struct {
	Title, Address string
	Current        bool
}

// html returns the page as HTML.
func (s *Site) html(p *page) ([]byte, error) {
	v := view{Title: p.title, Summary: p.summary, Root: strings.Repeat("../", strings.Count(p.address, "/")), Body: p.body}
	if len(p.headings) > 2 {
		v.Headings = p.headings
	}
	s.addMenu(&v, p)
	for i, other := range s.order {
		if other != p {
			continue
		}
		if i > 0 {
			v.Previous = &menuLink{Title: s.order[i-1].title, Address: s.order[i-1].address}
		}
		if i+1 < len(s.order) {
			v.Next = &menuLink{Title: s.order[i+1].title, Address: s.order[i+1].address}
		}
	}
	return s.execute("page.tmpl", v)
}

// addMenu adds the menu, in which current is marked. current may be nil.
func (s *Site) addMenu(v *view, current *page) {
	for _, g := range s.menu {
		shown := menuGroup{Title: g.Title, Sub: g.Sub}
		for _, p := range g.pages {
			title := p.title
			if p.file == index {
				title = "Overview"
			}
			shown.Links = append(shown.Links, menuLink{Title: title, Address: p.address, Current: p == current})
		}
		v.Menu = append(v.Menu, shown)
	}
}

func (s *Site) execute(name string, v view) ([]byte, error) {
	var out bytes.Buffer
	if err := s.template.ExecuteTemplate(&out, name, v); err != nil {
		return nil, fmt.Errorf("render the documentation: %w", err)
	}
	return out.Bytes(), nil
}
