package manual

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"time"
)

// policy is the Content-Security-Policy of the site: its own style sheet and pictures, and its own form.
const policy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Handler serves the site. Strip the path below which it is served before: an empty path is the index.
func (s *Site) Handler() http.Handler {
	byAddress := map[string]*page{"": s.pages[index]}
	for _, p := range s.pages {
		byAddress[p.address] = p
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, "/")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "The documentation is only read.", http.StatusMethodNotAllowed)
			return
		}
		var body []byte
		var err error
		kind, status := "text/html; charset=utf-8", http.StatusOK
		p := byAddress[name]
		switch {
		case p != nil:
			body, err = s.html(p)
		case name == "style.css":
			kind = "text/css; charset=utf-8"
			body, err = assets.ReadFile(name)
		case name == "search":
			body, err = s.searchPage(r.URL.Query().Get("q"))
		default:
			if picture, ok := s.pictures[name]; ok {
				kind, body = "image/svg+xml", picture
				break
			}
			status = http.StatusNotFound
			body, err = s.execute("missing.tmpl", s.missing(name))
		}
		if err != nil {
			http.Error(w, "This page cannot be shown.", http.StatusInternalServerError)
			return
		}
		h := w.Header()
		h.Set("Content-Type", kind)
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-cache") // kept, and asked for again by the ETag
		if status != http.StatusOK {
			w.WriteHeader(status)
			_, _ = w.Write(body) //nolint:gosec // html/template has escaped it
			return
		}
		sum := sha256.Sum256(body)
		h.Set("ETag", `"`+hex.EncodeToString(sum[:12])+`"`)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
	})
}

func (s *Site) searchPage(query string) ([]byte, error) {
	query = strings.Join(strings.Fields(query), " ")
	v := view{Title: "Search", Query: query, Searched: query != ""}
	if query != "" {
		v.Title = "Search: " + query
		v.Results = s.Search(query)
	}
	s.addMenu(&v, nil)
	return s.execute("search.tmpl", v)
}

// missing is the view of an address that does not exist.
func (s *Site) missing(name string) view {
	v := view{Title: "There is no such page", Root: strings.Repeat("../", strings.Count(name, "/"))}
	s.addMenu(&v, nil)
	return v
}
