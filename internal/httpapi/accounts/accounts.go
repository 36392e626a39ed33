package accounts

import (
	"errors"
	"io"
	"net/http"
	"time"

	"legwork/internal/research"
	"legwork/internal/store/identities"
)

// ReadBody reads the whole body of a request. It returns an error if the body cannot be read to its end, or if the
// body is not empty and its content type is given and not JSON. The size of the body is already limited when ReadBody
// gets it.
type ReadBody func(body io.Reader, contentType string) ([]byte, error)

// Handlers implements the operations. Make them with New.
type Handlers struct {
	store    *identities.Store
	readBody ReadBody
}

// New returns handlers on the identities of a database.
func New(st *identities.Store, read ReadBody) *Handlers { return &Handlers{store: st, readBody: read} }

// Problem is an error with the status and the texts that clients see.
type Problem struct {
	Status     int
	Code       string
	Message    string
	RetryAfter time.Duration // 0: no hint
}

// Error implements error.
func (p *Problem) Error() string { return p.Code + ": " + p.Message }

// notFound answers for an id of a thing that the caller's account does not have, and leaves other errors as they are.
func notFound(err error, what string) error {
	if errors.Is(err, research.ErrNotFound) {
		return &Problem{Status: http.StatusNotFound, Code: "not_found", Message: "There is no such " + what + " in this account."}
	}
	return err
}
