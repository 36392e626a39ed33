package page

import (
	"context"
	"net/http"
	"net/url"

	"legwork/internal/page/pdf"
	"legwork/internal/research"
)

// Reading is the result of reading one document. It is plain data, so that another process can do the reading.
type Reading struct {
	Page    research.Page
	Links   []research.Link
	Wall    string  // what stands in front of the content: "captcha", "login"; empty: nothing
	Refresh string  // absolute target of an immediate refresh; empty: none
	Kept    float64 // of HTML: the part of the letters outside links that the text has, 0 to 1; 0: not measured
	Note    string  // a sentence about what was left out; empty: nothing
}

// Reader reads documents. Its errors wrap ErrEmpty, ErrType, ErrPassword or ErrLimit, or are that of ctx. Links,
// Wall and Refresh are set with ErrEmpty, too. A Reader is safe for concurrent use.
type Reader interface {
	Read(ctx context.Context, base *url.URL, header http.Header, body []byte) (Reading, error)
}

// InProcess is the Reader that parses in this process. Some of its parsers cannot be stopped, and a hostile
// document can take much memory. So a worker uses the processes of package parser instead. Close releases its
// resources.
type InProcess struct{ pdf *pdf.Engine }

// NewInProcess returns a Reader that stores the machine code of its PDF reader in cacheDir; empty: in the user's
// cache folder.
func NewInProcess(cacheDir string) *InProcess { return &InProcess{pdf: pdf.NewEngine(cacheDir)} }

// Prepare starts the PDF reader, which takes seconds and some 350 MiB where its machine code is not in the cache yet.
func (p *InProcess) Prepare() error { return p.pdf.Start() }

// Close ends the PDF reader.
func (p *InProcess) Close() { p.pdf.Close() }

// Read implements Reader. base is the document's address. header may be nil; without a Content-Type the type is
// guessed from the body. A parser that panics is an ErrType, too. The end of ctx stops those parsers that can be
// stopped.
func (p *InProcess) Read(ctx context.Context, base *url.URL, header http.Header, body []byte) (r Reading, err error) {
	if err := ctx.Err(); err != nil {
		return Reading{}, err
	}
	err = guarded(func() (err error) {
		r, err = p.parse(ctx, base, header, body)
		r.Page.ModifiedAt = firstTime(r.Page.ModifiedAt, lastModified(header))
		r.bound()
		return err
	})
	return r, err
}
