package page

import (
	"cmp"
	"context"
	"net/http"
	"net/url"

	"legwork/internal/page/pdf"
	"legwork/internal/page/reading"
	"legwork/internal/research"
)

// Reading is the result of reading one document. It is plain data, so that another process can do the reading.
type Reading struct {
	Page    research.Page
	Links   []research.Link
	Wall    string  // what replaces the content: "captcha" or "login"; empty if the content is shown
	Refresh string  // absolute target of an immediate refresh; empty if there is none
	Kept    float64 // for HTML: the letters of Page's text divided by the letters on the page outside links, 0..1; 0 means not measured
	Note    string  // a sentence about what was left out; empty if nothing was
}

// Reader reads documents. Its errors wrap ErrEmpty, ErrType, ErrPassword or ErrLimit, or are the error of ctx. With ErrEmpty, the fields
// Links, Wall and Refresh are still set. A Reader is safe for concurrent use.
type Reader interface {
	Read(ctx context.Context, base *url.URL, header http.Header, body []byte) (Reading, error)
}

// InProcess is the Reader that parses in this process. Some of its parsers cannot be stopped, and a hostile document can use much memory.
// So workers use the processes of package parser instead. Close releases its resources.
type InProcess struct{ pdf *pdf.Engine }

// NewInProcess returns a Reader that caches the machine code of its PDF reader in cacheDir. If cacheDir is empty, the cache is in the
// user's cache folder.
func NewInProcess(cacheDir string) *InProcess { return &InProcess{pdf: pdf.NewEngine(cacheDir)} }

// Prepare starts the PDF reader. If its machine code is not cached yet, this takes seconds and about 350 MiB.
func (p *InProcess) Prepare() error { return p.pdf.Start() }

// Close ends the PDF reader.
func (p *InProcess) Close() { p.pdf.Close() }

// Read implements Reader. base is the document's address. header may be nil; without a Content-Type the type is guessed from the body. If
// a parser panics, the error is ErrType. When ctx ends, the parsers that can be stopped are stopped.
func (p *InProcess) Read(ctx context.Context, base *url.URL, header http.Header, body []byte) (r Reading, err error) {
	if err := ctx.Err(); err != nil {
		return Reading{}, err
	}
	err = guarded(func() (err error) {
		r, err = p.parse(ctx, base, header, body)
		if ctx.Err() != nil { // ctx ended while the parser was running, so the result may be incomplete
			r = Reading{}
			return ctx.Err()
		}
		r.Page.Kind = cmp.Or(r.Page.Kind, reading.KindOf(base))
		r.Page.ModifiedAt = firstTime(r.Page.ModifiedAt, lastModified(header))
		r.bound()
		return err
	})
	return r, err
}
