package main

import (
	"cmp"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"

	"legwork/internal/page"
	"legwork/internal/research"
	"legwork/internal/words"
)

// host is the host of all addresses of a manual.
const host = "manual.test"

// manual is a folder of documentation. Its pages are read when they are first needed, and kept.
type manual struct {
	files fs.FS

	mu    sync.Mutex
	pages map[string]*document // by path
}

// document is a page of a manual, as a run reads it.
type document struct {
	path    string
	page    research.Page
	links   []research.Link
	texts   []string // of its passages
	vectors []string // the words of its passages
	failed  bool
}

// read returns a page. It returns nil if there is none.
func (m *manual) read(name string) *document {
	m.mu.Lock()
	defer m.mu.Unlock()
	if d, ok := m.pages[name]; ok {
		return d
	}
	d := m.load(name)
	m.pages[name] = d
	return d
}

func (m *manual) load(name string) *document {
	body, err := fs.ReadFile(m.files, name)
	if err != nil {
		return nil
	}
	kind := map[string]string{".html": "text/html; charset=utf-8", ".htm": "text/html"}[path.Ext(name)]
	for language := range strings.SplitSeq(name, ".") { // as Apache's negotiation names its files: page.html.fr.utf8
		if len(language) == 2 && strings.Contains(name, ".html.") {
			kind = "text/html; charset=utf-8"
		}
	}
	if kind == "" {
		return &document{path: name, failed: true}
	}
	p, links, err := page.Read(&url.URL{Scheme: "http", Host: host, Path: "/" + name}, http.Header{"Content-Type": {kind}}, body)
	if err != nil {
		return &document{path: name, failed: true}
	}
	d := &document{path: name, page: p, links: links}
	index, text := words.NewIndexer(p.Language, p.Title), research.NewCutter(p.Text)
	for _, ps := range p.Passages {
		piece, _ := text.Cut(ps.Start, ps.End)
		d.texts = append(d.texts, piece)
		d.vectors = append(d.vectors, index.Vector(ps.Heading, piece))
	}
	return d
}

// all reads all pages.
func (m *manual) all() ([]*document, error) {
	var out []*document
	err := fs.WalkDir(m.files, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.Contains(e.Name(), ".html") {
			return err
		}
		if d := m.read(name); d != nil && !d.failed {
			out = append(out, d)
		}
		return nil
	})
	return out, err
}

// rank returns at most limit passages of the documents, best first by BM25, as internal/store does.
func rank(docs []*document, question string, limit int) []research.Hit {
	asked, own := words.Query(question, 24), words.Detect(question)
	n := len(asked["xx"])
	df, total, length := make([]float64, n), 0.0, 0.0
	type place struct {
		doc    *document
		ord    int
		counts []words.Counts
	}
	var places []place
	for _, d := range docs {
		keys := asked[words.Norm(d.page.Language)]
		for i, v := range d.vectors {
			total++
			length += float64(d.page.Passages[i].End - d.page.Passages[i].Start)
			counts, any := words.Occurrences(v, keys), false
			for k, c := range counts {
				if c != (words.Counts{}) {
					df[k]++
					any = true
				}
			}
			if any {
				places = append(places, place{d, i, counts})
			}
		}
	}
	hits := make([]research.Hit, len(places))
	for i, p := range places {
		ps := p.doc.page.Passages[p.ord]
		score := 0.0
		for k, c := range p.counts {
			score += words.Weigh(df[k], total) * words.Score(c, float64(ps.End-ps.Start), length/total)
		}
		if l := p.doc.page.Language; own != "" && l != "" && l != own {
			score *= 0.75
		}
		hits[i] = research.Hit{Passage: ps, PageID: p.doc.page.ID, URL: "http://" + host + "/" + p.doc.path, Title: p.doc.page.Title, Text: p.doc.texts[p.ord], Rank: score}
	}
	slices.SortStableFunc(hits, func(a, b research.Hit) int { return cmp.Compare(b.Rank, a.Rank) })
	return hits[:min(len(hits), limit)]
}
