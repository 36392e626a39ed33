// Package token creates and parses the secrets of sessions, invitations, tickets and unfinished logins. A secret has
// 256 random bits, and only its SHA-256 hash is stored. The package does no I/O.
package token

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"strings"

	"github.com/google/uuid"
)

// ErrMalformed means that a text is not a token. It has no details, because the text may come from an attacker.
var ErrMalformed = errors.New("malformed token")

// Lengths in bytes: of a secret, of its text form, and of the text form of an id and a secret.
const (
	secretBytes   = 32
	encodedSecret = 43
	idLength      = 36
)

// Secret is a secret in its text form, base64url without padding.
type Secret string

// NewSecret returns a new random secret.
func NewSecret() Secret {
	var b [secretBytes]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the process instead
	return Secret(base64.RawURLEncoding.EncodeToString(b[:]))
}

// ParseSecret parses the text form of a secret.
func ParseSecret(text string) (Secret, error) {
	if len(text) != encodedSecret {
		return "", ErrMalformed
	}
	// The decoder skips line breaks, so a text of the right length may decode to fewer bytes. Therefore the number
	// of bytes is checked, too.
	if b, err := base64.RawURLEncoding.Strict().DecodeString(text); err != nil || len(b) != secretBytes {
		return "", ErrMalformed
	}
	return Secret(text), nil
}

// Hash returns the SHA-256 of a secret. Only this hash is stored.
func (s Secret) Hash() []byte {
	sum := sha256.Sum256([]byte(s))
	return sum[:]
}

// Matches compares the secret with a stored hash in constant time.
func (s Secret) Matches(hash []byte) bool { return subtle.ConstantTimeCompare(s.Hash(), hash) == 1 }

// Token is a secret together with the id of the row in which its hash is stored: <uuid>.<secret>.
type Token struct {
	ID     uuid.UUID
	Secret Secret
}

// New returns a token with a new id and a new secret.
func New() Token { return Token{ID: uuid.Must(uuid.NewV7()), Secret: NewSecret()} }

// Text returns the form in which the client receives the token.
func (t Token) Text() string { return t.ID.String() + "." + string(t.Secret) }

// Parse parses a token. It accepts only the form that Text returns.
func Parse(text string) (Token, error) {
	id, secret, found := strings.Cut(text, ".")
	if !found || len(id) != idLength {
		return Token{}, ErrMalformed
	}
	parsed, err := uuid.Parse(id)
	if err != nil || parsed.String() != id {
		return Token{}, ErrMalformed
	}
	s, err := ParseSecret(secret)
	if err != nil {
		return Token{}, err
	}
	return Token{ID: parsed, Secret: s}, nil
}
