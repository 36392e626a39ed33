package access

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"legwork/internal/research"
)

// Role is what a user is in an account. A higher role may do all that a lower one may.
type Role string

// The roles, from the lowest to the highest.
const (
	Viewer Role = "viewer" // reads tasks and the library
	Member Role = "member" // submits, cancels and deletes tasks, and makes API keys of its own
	Admin  Role = "admin"  // manages members up to admin, all keys, limits, and reads the audit log
	Owner  Role = "owner"  // manages owners too
)

// Roles lists every role from the lowest to the highest.
var Roles = []Role{Viewer, Member, Admin, Owner}

// Includes reports whether role r may do what role other may. An unknown role includes nothing.
func (r Role) Includes(other Role) bool {
	mine, needed := slices.Index(Roles, r), slices.Index(Roles, other)
	return mine >= 0 && needed >= 0 && mine >= needed
}

// Scope limits what a credential may be used for, whatever the role behind it.
type Scope string

// The scopes. A write scope includes the read scope beside it, and admin includes all.
const (
	TasksRead    Scope = "tasks:read"
	TasksWrite   Scope = "tasks:write"
	LibraryRead  Scope = "library:read"
	LibraryWrite Scope = "library:write"
	AdminScope   Scope = "admin"
)

// Scopes lists every scope.
var Scopes = []Scope{TasksRead, TasksWrite, LibraryRead, LibraryWrite, AdminScope}

// Includes reports whether scope s may be used where other is needed.
func (s Scope) Includes(other Scope) bool {
	switch {
	case s == other, s == AdminScope:
		return true
	case s == TasksWrite:
		return other == TasksRead
	case s == LibraryWrite:
		return other == LibraryRead
	}
	return false
}

// Kind says how a principal proved who it is.
type Kind string

// The kinds of principals.
const (
	ByNobody  Kind = "anonymous" // no credential
	BySession Kind = "session"   // a browser that is logged in
	ByKey     Kind = "key"       // an API key
	ByToken   Kind = "token"     // a bearer JWT of the configured issuer
	ByOff     Kind = "off"       // AUTH_MODE=off: everybody is the owner of the default account
)

// Principal is who a request is from. The zero value is an anonymous client.
type Principal struct {
	Kind      Kind
	AccountID string     // the one account that the request acts in
	UserID    *uuid.UUID // nil: not a user (a key of an operator, AUTH_MODE=off)
	Role      Role
	Scopes    []Scope    // nil: the credential is not limited by scopes
	KeyID     string     // of the API key; empty: none
	SessionID *uuid.UUID // of the session; nil: none
	ExpiresAt *time.Time // when the credential ends; nil: never. Open streams end then too
}

// Off is the principal of every request under AUTH_MODE=off.
func Off() Principal {
	return Principal{Kind: ByOff, AccountID: research.DefaultAccount, Role: Owner}
}

// Anonymous reports whether the request had no credential.
func (p Principal) Anonymous() bool { return p.Kind == "" || p.Kind == ByNobody }

// HasScope reports whether the credential of p may be used where the scope is needed.
func (p Principal) HasScope(needed Scope) bool {
	if p.Scopes == nil {
		return true
	}
	return slices.ContainsFunc(p.Scopes, func(s Scope) bool { return s.Includes(needed) })
}
