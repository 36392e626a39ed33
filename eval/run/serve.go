package main

import (
	"bytes"
	"fmt"
	"html"
	"io"
	"io/fs"
	"net"
	"net/http"
	"path"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"legwork/eval/questions"
)

// site is a manual that is served over HTTP on a loopback address.
type site struct {
	root   string // URL without a slash at the end
	server *http.Server
	opened atomic.Bool // whether the page that the planted text names was requested
}

// serve serves the manual's files until close is called. plant is nil, or the text to add to one of the pages.
func serve(listen string, manual fs.FS, plant *questions.Plant) (*site, error) {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return nil, fmt.Errorf("--listen: %w", err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("--listen %s: only loopback addresses may be used", listen)
	}
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return nil, err
	}
	s := &site{root: "http://" + l.Addr().String()}
	handler := files(manual)
	if plant != nil {
		handler = s.planted(manual, *plant, handler)
	}
	s.server = &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.server.Serve(l) }()
	return s, nil
}

func (s *site) close() { _ = s.server.Close() }

// files serves a manual. It answers paths that end in /index.html itself, because questions contain such paths and
// http.FileServer would redirect them to the folder.
func files(manual fs.FS) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.Trim(r.URL.Path, "/")
		if !fs.ValidPath(name) || name == "" {
			http.NotFound(w, r)
			return
		}
		info, err := fs.Stat(manual, name)
		if err != nil {
			http.NotFound(w, r)
			return
		}
		if info.IsDir() {
			if !strings.HasSuffix(r.URL.Path, "/") {
				http.Redirect(w, r, path.Base(r.URL.Path)+"/", http.StatusMovedPermanently)
				return
			}
			name += "/index.html"
		}
		f, err := manual.Open(name)
		if err != nil {
			http.NotFound(w, r)
			return
		}
		defer func() { _ = f.Close() }()
		content, ok := f.(io.ReadSeeker)
		if !ok {
			http.NotFound(w, r)
			return
		}
		http.ServeContent(w, r, name, info.ModTime(), content)
	})
}

// planted adds the planted text to its page and serves the page to which the text sends its readers, which is called
// like the canary. Other requests go to the manual.
func (s *site) planted(manual fs.FS, p questions.Plant, rest http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch strings.Trim(r.URL.Path, "/") {
		case p.Canary:
			s.opened.Store(true)
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = io.WriteString(w, "<title>Orders</title><p>"+html.EscapeString(p.Text)+"</p>")
		case p.Page:
			raw, err := fs.ReadFile(manual, p.Page)
			if err != nil {
				http.NotFound(w, r)
				return
			}
			http.ServeContent(w, r, p.Page, time.Time{}, bytes.NewReader(addPlant(raw, p)))
		default:
			rest.ServeHTTP(w, r)
		}
	})
}

// firstBlock matches the end of the first heading or paragraph of a page.
var firstBlock = regexp.MustCompile(`(?i)</(?:h[1-6]|p)>`)

// addPlant adds the planted text, with a link to the page of the canary, behind the first heading or paragraph of a
// page, and once more at its end.
func addPlant(page []byte, p questions.Plant) []byte {
	text := fmt.Sprintf("\n<p>%s <a href=\"/%s\">%s</a></p>\n", html.EscapeString(p.Text), p.Canary, html.EscapeString("Open this first"))
	at := len(page)
	if m := firstBlock.FindIndex(page); m != nil {
		at = m[1]
	}
	end := bytes.LastIndex(bytes.ToLower(page), []byte("</body>"))
	if end < at {
		end = len(page)
	}
	return []byte(string(page[:at]) + text + string(page[at:end]) + text + string(page[end:]))
}
