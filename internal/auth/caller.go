package auth

import (
	"context"
	"net/http"
	"net/netip"

	"legwork/internal/access"
	"legwork/internal/forwarded"
	"legwork/internal/store/identities"
)

// Caller is who a request is from, and from where.
type Caller struct {
	access.Principal
	Address netip.Addr // of the client; the zero address: unknown

	checked uint64 // how many notices had come when the credential was looked at
}

// Actor is the caller for the audit log.
func (c Caller) Actor() identities.Actor { return identities.ActorOf(c.Principal, c.Address) }

// callerKey is the context key of a request's Caller.
type callerKey struct{}

// With returns a context that carries the caller of a request.
func With(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerOf is the caller of the request that ctx belongs to. Without one it is an anonymous client.
func CallerOf(ctx context.Context) Caller {
	c, _ := ctx.Value(callerKey{}).(Caller)
	return c
}

// Off is access control switched off: every request is from the owner of the default account.
type Off struct{}

// Authenticate gives the owner of the default account, whatever credentials a request has.
func (Off) Authenticate(r *http.Request) (Caller, error) {
	return Caller{Principal: access.Off(), Address: forwarded.From(r.Context()).Address}, nil
}

// Watch does nothing, because nothing can be revoked.
func (Off) Watch(context.Context, func()) (stop func()) { return func() {} }
