// Package apikey creates and parses API keys of the form lw_<id>_<secret>. The id is public and identifies the row in
// the database. The secret is 256 random bits, of which only the hash is stored. The package does no I/O.
package apikey

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"regexp"
	"strings"
)

// Prefix is the beginning of every key. By it, scanners for secrets find keys in places where no key should be.
const Prefix = "lw_"

// Lengths of the parts, in bytes of text.
const (
	idLength     = 16
	secretLength = 43
	length       = len(Prefix) + idLength + 1 + secretLength
)

// ErrMalformed means that a text is not an API key.
var ErrMalformed = errors.New("an API key has the form lw_<id>_<secret>: 16 lower case letters and digits, then 43 characters")

var plainID = regexp.MustCompile(`^[a-z0-9]{16}$`)

// Key is an API key with its secret.
type Key struct {
	ID   string
	Hash []byte // SHA-256 of the secret
	text string
}

// IsID reports whether a text has the form of the id of a key.
func IsID(text string) bool { return plainID.MatchString(text) }

// New returns a new random key.
func New() Key {
	var id [idLength * 5 / 8]byte
	var secret [32]byte
	_, _ = rand.Read(id[:]) // never fails: crypto/rand ends the process instead
	_, _ = rand.Read(secret[:])
	return key(strings.ToLower(base32.StdEncoding.EncodeToString(id[:])), base64.RawURLEncoding.EncodeToString(secret[:]))
}

// Parse parses a key. It accepts only the form that New creates.
func Parse(text string) (Key, error) {
	if len(text) != length || !strings.HasPrefix(text, Prefix) {
		return Key{}, ErrMalformed
	}
	id, secret := text[len(Prefix):len(Prefix)+idLength], text[length-secretLength:]
	b, err := base64.RawURLEncoding.Strict().DecodeString(secret)
	if text[length-secretLength-1] != '_' || !plainID.MatchString(id) || err != nil || len(b) != 32 { // the length is checked because the decoder skips line breaks
		return Key{}, ErrMalformed
	}
	return key(id, secret), nil
}

func key(id, secret string) Key {
	hash := sha256.Sum256([]byte(secret))
	return Key{ID: id, Hash: hash[:], text: Prefix + id + "_" + secret}
}

// Reveal returns the text of the key, with the secret. Show it only once, to its user.
func (k Key) Reveal() string { return k.text }

// String implements fmt.Stringer. It shows the id and hides the secret.
func (k Key) String() string { return Prefix + k.ID + "_xxxxx" }
