package auth

import (
	"context"
	"net/http"
	"net/netip"

	"legwork/internal/access"
	"legwork/internal/forwarded"
	"legwork/internal/store/identities"
)

// Caller is the principal of a request, and the address of its client.
type Caller struct {
	access.Principal
	Address netip.Addr // of the client; the zero address if unknown

	checked uint64 // number of notices that had been received when the credential was checked
}

// Actor returns the actor that the audit log names for the caller.
func (c Caller) Actor() identities.Actor { return identities.ActorOf(c.Principal, c.Address) }

// callerKey is the context key of a request's Caller.
type callerKey struct{}

// With returns a context that holds the caller of a request.
func With(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerOf returns the caller that the context holds. Without one it returns an anonymous caller.
func CallerOf(ctx context.Context) Caller {
	c, _ := ctx.Value(callerKey{}).(Caller)
	return c
}

// Off is used in place of an Authenticator when access control is off: the caller of every request is the owner of
// the default account.
type Off struct{}

// Authenticate returns the owner of the default account. It ignores the credentials of the request.
func (Off) Authenticate(r *http.Request) (Caller, error) {
	return Caller{Principal: access.Off(), Address: forwarded.From(r.Context()).Address}, nil
}

// Watch does nothing, because nothing can be revoked.
func (Off) Watch(context.Context, func()) (stop func()) { return func() {} }
