package password

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/alexedwards/argon2id"
	"golang.org/x/sync/semaphore"
	"golang.org/x/text/secure/precis"
)

// ErrBusy means that too many passwords are being hashed at the moment. Try again in a few seconds.
var ErrBusy = errors.New("too many passwords are being checked at the same time")

// ErrMalformed means that a text is no argon2id hash in PHC form, or that its costs are outside the bounds of this package.
var ErrMalformed = errors.New("not an argon2id hash in PHC form")

// Params are the costs of one hash.
type Params struct {
	MemoryKiB uint32
	Passes    uint32
	Lanes     uint8
}

// Standard returns the costs that OWASP's Password Storage Cheat Sheet recommends for argon2id: 19 MiB, two passes, one lane.
func Standard() Params { return Params{MemoryKiB: 19 << 10, Passes: 2, Lanes: 1} }

// Bounds of the costs in a stored hash. With them, a damaged row cannot use up the memory of the server.
const (
	maxMemoryKiB = 256 << 10
	maxPasses    = 16
	maxLanes     = 16
	maxPHC       = 512 // length of a hash in bytes
)

// maxWait is how long a caller waits for its turn.
const maxWait = 5 * time.Second

// Hasher hashes and verifies passwords. It is safe for concurrent use.
type Hasher struct {
	params Params
	turns  *semaphore.Weighted
	wait   time.Duration
	dummy  string // hash of a random password, which is verified for users who do not exist
}

// NewHasher returns a Hasher that computes at most parallel hashes at the same time. These need parallel times the
// memory of params.
func NewHasher(params Params, parallel int) (*Hasher, error) {
	h := &Hasher{params: params, turns: semaphore.NewWeighted(int64(max(1, parallel))), wait: maxWait}
	dummy, err := argon2id.CreateHash("the password of nobody", h.library())
	if err != nil {
		return nil, fmt.Errorf("hash a password: %w", err)
	}
	h.dummy = dummy
	return h, nil
}

func (h *Hasher) library() *argon2id.Params {
	return &argon2id.Params{Memory: h.params.MemoryKiB, Iterations: h.params.Passes, Parallelism: h.params.Lanes, SaltLength: 16, KeyLength: 32}
}

// Hash returns the hash of a password in PHC form. It does not check whether the password is good enough (see [Check]).
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	prepared, err := prepare(password)
	if err != nil {
		return "", err
	}
	done, err := h.turn(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	return argon2id.CreateHash(prepared, h.library())
}

// Verify reports whether a password matches a hash. outdated is true if the hash has lower costs than the present
// ones and should be replaced. For an empty hash (an unknown user, or a user without a password) it does the same
// work and returns false.
func (h *Hasher) Verify(ctx context.Context, password, phc string) (ok, outdated bool, err error) {
	stored := phc
	if stored == "" {
		stored = h.dummy
	}
	params, err := parse(stored)
	if err != nil {
		return false, false, err
	}
	prepared, err := prepare(password)
	if err != nil { // such a password is always wrong, but checking it must take the same time
		prepared, phc = "", ""
	}
	done, err := h.turn(ctx)
	if err != nil {
		return false, false, err
	}
	defer done()
	ok, err = argon2id.ComparePasswordAndHash(prepared, stored)
	if err != nil {
		return false, false, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	outdated = params.Memory < h.params.MemoryKiB || params.Iterations < h.params.Passes
	return ok && phc != "", outdated, nil
}

// turn waits until another hash may be computed. Call done when the hash is computed.
func (h *Hasher) turn(ctx context.Context) (done func(), err error) {
	wait, cancel := context.WithTimeout(ctx, h.wait)
	defer cancel()
	if err := h.turns.Acquire(wait, 1); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, ErrBusy
	}
	return func() { h.turns.Release(1) }, nil
}

// prepare converts a password to one spelling (RFC 8265, profile OpaqueString): composed characters, and one kind of space. It
// refuses control characters.
func prepare(password string) (string, error) {
	if len(password) > maxBytes {
		return "", errors.New("the password is too long")
	}
	return precis.OpaqueString.String(password)
}

// parse parses the costs of a hash. It refuses costs that would take too much memory or time, or make the library panic.
func parse(phc string) (*argon2id.Params, error) {
	if len(phc) > maxPHC {
		return nil, ErrMalformed
	}
	params, salt, key, err := argon2id.DecodeHash(phc)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	costly := params.Memory > maxMemoryKiB || params.Iterations > maxPasses || params.Parallelism > maxLanes
	weak := params.Memory < 8 || params.Iterations < 1 || params.Parallelism < 1 || len(salt) < 8 || len(key) < 16
	if costly || weak {
		return nil, fmt.Errorf("%w: its costs are out of bounds", ErrMalformed)
	}
	return params, nil
}
