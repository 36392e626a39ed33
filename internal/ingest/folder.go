package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"legwork/internal/page"
	"legwork/internal/research"
)

// documents maps the file name extensions that are read to content types.
var documents = map[string]string{
	".html": "text/html", ".htm": "text/html", ".xhtml": "application/xhtml+xml", ".md": "text/markdown", ".markdown": "text/markdown",
	".txt": "text/plain", ".text": "text/plain", ".pdf": "application/pdf", ".csv": "text/csv", ".tsv": "text/tab-separated-values",
	".json": "application/json", ".opml": "text/x-opml", ".rss": "application/rss+xml", ".atom": "application/atom+xml",
}

// folder reads the documents of a folder in the order of their names. Hidden files, hidden folders and symbolic links are
// skipped.
func (r *run) folder(ctx context.Context) error {
	base, err := r.base(r.Target)
	if err != nil {
		return err
	}
	var names []string
	root := os.DirFS(r.Target)
	err = fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name != "." && strings.HasPrefix(d.Name(), "."):
			if d.IsDir() {
				return fs.SkipDir
			}
		case d.Type().IsRegular() && documents[strings.ToLower(path.Ext(name))] != "":
			names = append(names, name)
		}
		return ctx.Err()
	})
	if err != nil {
		return fmt.Errorf("read the folder %s: %w", r.Target, err)
	}
	for i, name := range names {
		if i >= r.MaxPages {
			r.sum.Left = len(names) - i
			break
		}
		r.queue = make([]address, len(names)-i-1) // only the length of the queue is used here, for the progress reports
		if err := r.document(ctx, filepath.Join(r.Target, filepath.FromSlash(name)), base.JoinPath(name)); err != nil {
			r.sum.Left = len(names) - i
			return err
		}
	}
	return nil
}

// file reads one document.
func (r *run) file(ctx context.Context) error {
	if documents[strings.ToLower(filepath.Ext(r.Target))] == "" {
		return fmt.Errorf("%s is of a type that is not read; HTML, Markdown, text, PDF, CSV, JSON and feeds are, by their endings", r.Target)
	}
	abs, err := filepath.Abs(r.Target)
	if err != nil {
		return fmt.Errorf("find %s: %w", r.Target, err)
	}
	base, err := r.base(filepath.Dir(abs))
	if err != nil {
		return err
	}
	return r.document(ctx, abs, base.JoinPath(filepath.Base(abs)))
}

// base returns the base address of the pages of a folder. By default its host name ends in .invalid (RFC 6761 §6.4), so
// that no web server can have it: the pages exist only in the library.
func (r *run) base(folder string) (*url.URL, error) {
	raw := r.BaseURL
	if raw == "" {
		abs, err := filepath.Abs(folder)
		if err != nil {
			return nil, fmt.Errorf("find %s: %w", folder, err)
		}
		raw = "https://" + label(filepath.Base(abs)) + ".invalid/"
	}
	u, err := page.ParseURL(raw)
	if err != nil {
		return nil, fmt.Errorf("the base URL %s cannot be used: %w", raw, err)
	}
	u.RawQuery = ""
	return u, nil
}

// label turns a name into a valid label of a host name (RFC 1123 §2.1).
func label(name string) string {
	out := strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
			return c
		case c >= 'A' && c <= 'Z':
			return c - 'A' + 'a'
		}
		return '-'
	}, name)
	out = strings.Trim(out[:min(len(out), 60)], "-")
	if out == "" {
		return "folder"
	}
	return out
}

// document reads a file and stores it as if it were the web page at u.
func (r *run) document(ctx context.Context, file string, u *url.URL) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	began := time.Now()
	v := research.Visit{URL: u.String(), FinalURL: u.String(), FetchedAt: began.UTC()}
	body, modified, err := r.content(file)
	switch {
	case errors.Is(err, errTooLarge):
		v.Outcome, v.Message = research.OutcomeTooLarge, fmt.Sprintf("The file is larger than %d bytes.", r.MaxBytes)
	case err != nil:
		v.Outcome, v.Message = research.OutcomeConnection, "The file cannot be read: "+err.Error()
	default:
		header := http.Header{"Content-Type": {documents[strings.ToLower(filepath.Ext(file))]}, "Last-Modified": {modified.UTC().Format(http.TimeFormat)}}
		v.Bytes = int64(len(body))
		reading, err := r.Reader.Read(ctx, u, header, body)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, page.ErrEmpty):
			v.Outcome, v.Message = research.OutcomeEmpty, "The file holds no text."
		case err != nil:
			v.Outcome, v.Message = page.Unreadable(err)
		default:
			v.Outcome, v.Page, v.Links, v.Title, v.Note = research.OutcomeOK, &reading.Page, reading.Links, reading.Page.Title, reading.Note
			if v.Title == "" {
				v.Title = path.Base(u.Path)
			}
		}
	}
	v.Duration = time.Since(began)
	return r.record(ctx, v)
}

var errTooLarge = errors.New("too large")

func (r *run) content(file string) ([]byte, time.Time, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, time.Time{}, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, time.Time{}, err
	}
	body, err := io.ReadAll(io.LimitReader(f, r.MaxBytes+1))
	if err == nil && int64(len(body)) > r.MaxBytes {
		err = errTooLarge
	}
	return body, info.ModTime(), err
}
