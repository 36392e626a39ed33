// Package sealed encrypts secrets that are stored in the database (XChaCha20-Poly1305, draft-irtf-cfrg-xchacha). An
// encrypted secret is called a box.
//
// Invariants:
//
//   - A box can be opened only with its key and its context. The context names the place to which the secret belongs,
//     for instance "webhook:<id>". So a box that was copied to another row cannot be opened there.
//   - New boxes are sealed with the first key; every key opens its boxes. To replace a key, put the new key first,
//     seal all boxes again, and remove the old key.
//   - No error message and no formatting verb shows a key or a secret.
package sealed

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"
)

// MinKey is the least length of a key in bytes. Make keys with: openssl rand -base64 32.
const MinKey = 32

// Layout of a box: version (1 byte), key id (4), nonce (24), ciphertext with tag (16 more than the secret).
const (
	version  = 1
	idSize   = 4
	header   = 1 + idSize
	overhead = header + chacha20poly1305.NonceSizeX + chacha20poly1305.Overhead
)

// Errors of Open. Unless the right key can be found, the user must enter the secret again.
var (
	ErrUnknownKey = errors.New("the secret is sealed with a key that is not in LEGWORK_SECRET_KEY")
	ErrDamaged    = errors.New("the sealed secret is damaged, or belongs to another place")
)

// Keys has the keys that seal and open boxes. The zero value has no keys. Keys are safe for concurrent use.
type Keys struct{ list []key }

type key struct {
	id   [idSize]byte
	aead cipher.AEAD
}

// Parse parses keys that are separated by commas or white space. Each key is any text of at least MinKey bytes, from
// which the key of the cipher is derived (HKDF-SHA256). It is no error if the text has no keys.
func Parse(text string) (*Keys, error) {
	k := &Keys{}
	for i, part := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\r' || r == '\t' }) {
		if len(part) < MinKey {
			return nil, fmt.Errorf("key %d has %d characters, at least %d are needed; make one with: openssl rand -base64 32", i+1, len(part), MinKey)
		}
		raw, err := hkdf.Key(sha256.New, []byte(part), nil, "legwork sealed v1", chacha20poly1305.KeySize)
		if err != nil {
			return nil, fmt.Errorf("derive key %d: %w", i+1, err)
		}
		id, err := hkdf.Key(sha256.New, []byte(part), nil, "legwork sealed v1 id", idSize)
		if err != nil {
			return nil, fmt.Errorf("derive the id of key %d: %w", i+1, err)
		}
		aead, err := chacha20poly1305.NewX(raw)
		if err != nil {
			return nil, fmt.Errorf("key %d: %w", i+1, err)
		}
		k.list = append(k.list, key{[idSize]byte(id), aead})
	}
	return k, nil
}

// Ready reports whether there is a key.
func (k *Keys) Ready() bool { return k != nil && len(k.list) > 0 }

// String implements fmt.Stringer, without the keys.
func (k *Keys) String() string {
	if k == nil {
		return "0 keys"
	}
	return fmt.Sprintf("%d keys", len(k.list))
}

// Format implements fmt.Formatter, so that no formatting verb prints the keys.
func (k *Keys) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// Seal encrypts a secret with the first key, and returns the result, the box. context names the place that the secret
// belongs to; Open needs the same value. Seal uses a random nonce, so that sealing the same secret again gives
// another box.
func (k *Keys) Seal(secret []byte, context string) ([]byte, error) {
	if !k.Ready() {
		return nil, errors.New("no secret can be stored: set LEGWORK_SECRET_KEY (make one with: openssl rand -base64 32)")
	}
	first := k.list[0]
	box := make([]byte, header+chacha20poly1305.NonceSizeX, overhead+len(secret))
	box[0] = version
	copy(box[1:], first.id[:])
	nonce := box[header:]
	_, _ = rand.Read(nonce) // never fails (crypto/rand)
	return first.aead.Seal(box, nonce, secret, bound(box[:header], context)), nil
}

// Open decrypts a box that Seal made with the same context, and returns the secret. It returns ErrUnknownKey if the
// key of the box is missing, and ErrDamaged if the box is damaged or belongs to another context.
func (k *Keys) Open(box []byte, context string) ([]byte, error) {
	if len(box) < overhead || box[0] != version {
		return nil, ErrDamaged
	}
	used := k.of(box)
	if used == nil {
		return nil, ErrUnknownKey
	}
	nonce, text := box[header:header+chacha20poly1305.NonceSizeX], box[header+chacha20poly1305.NonceSizeX:]
	secret, err := used.Open(nil, nonce, text, bound(box[:header], context))
	if err != nil {
		return nil, ErrDamaged
	}
	return secret, nil
}

// Stale reports whether a box should be sealed again, because it was not sealed with the first key.
func (k *Keys) Stale(box []byte) bool {
	return k.Ready() && (len(box) < header || [idSize]byte(box[1:header]) != k.list[0].id)
}

// Reseal opens a box and seals its secret with the first key. If the box was sealed with the first key, it is
// returned unchanged.
func (k *Keys) Reseal(box []byte, context string) ([]byte, error) {
	secret, err := k.Open(box, context)
	if err != nil || !k.Stale(box) {
		return box, err
	}
	return k.Seal(secret, context)
}

// of returns the key whose id a box names, or nil.
func (k *Keys) of(box []byte) cipher.AEAD {
	if k == nil {
		return nil
	}
	for _, one := range k.list {
		if one.id == [idSize]byte(box[1:header]) {
			return one.aead
		}
	}
	return nil
}

// bound returns the additional authenticated data of a box: its header and its context.
func bound(head []byte, context string) []byte {
	return append(append([]byte{}, head...), context...)
}
