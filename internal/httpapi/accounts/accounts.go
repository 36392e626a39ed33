package accounts

import (
	"errors"
	"io"
	"net/http"

	"legwork/internal/httpapi/problem"
	"legwork/internal/research"
	"legwork/internal/store/identities"
)

// ReadBody reads the whole body of a request. It returns an error if the body cannot be read to its end, or if the body
// is not empty and has a content type other than JSON. The caller must have limited the size of the body.
type ReadBody func(body io.Reader, contentType string) ([]byte, error)

// Handlers implements the operations of this package. New returns one.
type Handlers struct {
	store    *identities.Store
	readBody ReadBody
}

// New returns handlers on the identities of a database.
func New(st *identities.Store, read ReadBody) *Handlers { return &Handlers{store: st, readBody: read} }

// notFound turns research.ErrNotFound into a 404 error, which says that the caller's account has no such thing. what
// names the thing. notFound returns other errors unchanged.
func notFound(err error, what string) error {
	if errors.Is(err, research.ErrNotFound) {
		return &problem.Problem{Status: http.StatusNotFound, Code: "not_found", Message: "There is no such " + what + " in this account."}
	}
	return err
}
