package access

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"legwork/internal/research"
)

// Role is the rank of a user in an account. A higher role may do everything that a lower one may do.
type Role string

// The roles, from the lowest to the highest.
const (
	Viewer Role = "viewer" // reads tasks and the library
	Member Role = "member" // submits, cancels and deletes tasks, and creates its own API keys
	Admin  Role = "admin"  // manages users with roles up to admin, all keys and the limits, and reads the audit log
	Owner  Role = "owner"  // also manages owners
)

// Roles lists every role from the lowest to the highest.
var Roles = []Role{Viewer, Member, Admin, Owner}

// Includes reports whether role r may do what role other may. An unknown role includes nothing.
func (r Role) Includes(other Role) bool {
	mine, needed := slices.Index(Roles, r), slices.Index(Roles, other)
	return mine >= 0 && needed >= 0 && mine >= needed
}

// Scope limits what a credential may be used for. It applies in addition to the role of the user.
type Scope string

// The scopes. A write scope includes the read scope of the same resource, and admin includes all scopes.
const (
	TasksRead    Scope = "tasks:read"
	TasksWrite   Scope = "tasks:write"
	LibraryRead  Scope = "library:read"
	LibraryWrite Scope = "library:write"
	MetricsRead  Scope = "metrics:read" // the metrics of the server; it includes nothing else
	AdminScope   Scope = "admin"
)

// Scopes lists every scope.
var Scopes = []Scope{TasksRead, TasksWrite, LibraryRead, LibraryWrite, MetricsRead, AdminScope}

// Includes reports whether a credential with scope s may be used where other is needed.
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

// Kind says how a principal has proved its identity.
type Kind string

// The kinds of principals.
const (
	ByNobody  Kind = "anonymous" // no credential
	BySession Kind = "session"   // a browser that is logged in
	ByKey     Kind = "key"       // an API key
	ByToken   Kind = "token"     // a bearer JWT of the configured issuer
	ByOff     Kind = "off"       // AUTH_MODE=off: everybody is the owner of the default account
)

// Principal is who sent a request, with its rights. The zero value is an anonymous client.
type Principal struct {
	Kind      Kind
	AccountID string     // the account in which the request acts
	UserID    *uuid.UUID // nil if the principal is not a user (a key of an operator, AUTH_MODE=off)
	Role      Role
	Scopes    []Scope    // nil if the credential is not limited by scopes
	KeyID     string     // id of the API key; empty without one
	SessionID *uuid.UUID // id of the session; nil without one
	ExpiresAt *time.Time // when the credential and its open streams end; nil means never
}

// Off returns the principal of every request under AUTH_MODE=off.
func Off() Principal {
	return Principal{Kind: ByOff, AccountID: research.DefaultAccount, Role: Owner}
}

// Anonymous reports whether the request has no credential.
func (p Principal) Anonymous() bool { return p.Kind == "" || p.Kind == ByNobody }

// HasScope reports whether the credential of p may be used where the scope is needed.
func (p Principal) HasScope(needed Scope) bool {
	if p.Scopes == nil {
		return true
	}
	return slices.ContainsFunc(p.Scopes, func(s Scope) bool { return s.Includes(needed) })
}
