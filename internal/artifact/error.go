package artifact

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"syscall"
)

// Error is an error of the place where files are kept: no room, no right, or no answer. It concerns all files there, and
// the same call may succeed later.
type Error struct {
	Doing string // what was tried, with the file's key
	Err   error
}

// Error implements error.
func (e *Error) Error() string { return e.Doing + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Reason says in a few words what is wrong with the place, without paths, addresses and names, so that clients may read it.
func (e *Error) Reason() string {
	is := func(causes ...error) bool {
		for _, c := range causes {
			if errors.Is(e.Err, c) {
				return true
			}
		}
		return false
	}
	var dial *net.OpError
	var request *url.Error
	switch code := status(e.Err); {
	case is(syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG):
		return "there is no room left"
	case is(syscall.EROFS):
		return "it is read-only"
	case is(fs.ErrPermission), code == http.StatusForbidden, code == http.StatusUnauthorized:
		return "the server has no right to use it"
	case is(context.DeadlineExceeded), errors.As(e.Err, &dial), errors.As(e.Err, &request), code >= http.StatusInternalServerError:
		return "it does not answer"
	}
	return "it cannot be read or written"
}
