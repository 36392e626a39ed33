package access

import (
	"strings"

	"github.com/google/uuid"
)

// Notice names the credentials that have changed, so that every process forgets what it has cached about them. It is
// the payload of a NOTIFY: kind and id, for instance key:abc.
type Notice string

// Everybody is the notice that applies to every principal.
const Everybody Notice = "*"

// KeyChanged returns the notice about an API key.
func KeyChanged(id string) Notice { return Notice("key:" + id) }

// SessionChanged returns the notice about a session.
func SessionChanged(id uuid.UUID) Notice { return Notice("session:" + id.String()) }

// UserChanged returns the notice about all sessions and keys of a user, in every account.
func UserChanged(id uuid.UUID) Notice { return Notice("user:" + id.String()) }

// AccountChanged returns the notice about all principals of an account.
func AccountChanged(id string) Notice { return Notice("account:" + id) }

// Concerns reports whether the rights of a principal may have changed. A notice of an unknown kind, from a newer
// version, applies to everybody.
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
