package access

import (
	"strings"

	"github.com/google/uuid"
)

// Notice says whose credentials have changed, so that no process goes on with what it knew of them. It is the payload of a
// NOTIFY: kind and id, as in key:abc.
type Notice string

// Everybody is the notice that concerns every principal.
const Everybody Notice = "*"

// KeyChanged is the notice about an API key.
func KeyChanged(id string) Notice { return Notice("key:" + id) }

// SessionChanged is the notice about a session.
func SessionChanged(id uuid.UUID) Notice { return Notice("session:" + id.String()) }

// UserChanged is the notice about everything that a user has: sessions and keys in every account.
func UserChanged(id uuid.UUID) Notice { return Notice("user:" + id.String()) }

// AccountChanged is the notice about everybody in an account.
func AccountChanged(id string) Notice { return Notice("account:" + id) }

// Concerns reports whether a principal may have other rights than before. A notice that this version does not know concerns
// everybody.
func (n Notice) Concerns(p Principal) bool {
	kind, id, _ := strings.Cut(string(n), ":")
	switch kind {
	case "key":
		return p.KeyID == id
	case "session":
		return p.SessionID != nil && p.SessionID.String() == id
	case "user":
		return p.UserID != nil && p.UserID.String() == id
	case "account":
		return p.AccountID == id
	}
	return true
}
