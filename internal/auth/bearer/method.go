package bearer

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"

	"legwork/internal/access"
	"legwork/internal/auth"
	"legwork/internal/research"
)

// Method is the auth.Method of access tokens: Authorization: Bearer, with a JWT.
type Method struct {
	Verifier *Verifier
	// AccountExists reports whether an account with this id exists.
	AccountExists func(ctx context.Context, account string) (bool, error)
	Log           *slog.Logger
}

var (
	errRejected  = &auth.Rejected{Reason: "This access token is not valid: it has expired, is not for this server, or does not come from the issuer that this server trusts."}
	errNoAccount = &auth.Rejected{Reason: "This access token names an account that this server does not have; ask an administrator."}
)

// Credential implements auth.Method.
func (m Method) Credential(r *http.Request) (string, bool) {
	token, found := auth.Bearer(r)
	return token, found && LooksLikeToken(token)
}

// Check implements auth.Method. A token has the role member in its account, or admin if it has the scope admin. Its scopes limit
// it further. It never has the role owner, and never belongs to a user.
func (m Method) Check(ctx context.Context, credential string) (auth.Grant, error) {
	claims, err := m.Verifier.Verify(ctx, credential)
	switch {
	case errors.Is(err, ErrInvalid):
		m.Log.InfoContext(ctx, "an access token was refused", "reason", err)
		return auth.Grant{}, errRejected
	case errors.Is(err, ErrNoKeys):
		return auth.Grant{}, errors.Join(research.ErrUnavailable, err)
	case err != nil:
		return auth.Grant{}, err
	}
	p := access.Principal{Kind: access.ByToken, AccountID: claims.Account, Role: access.Member, Scopes: claims.Scopes, ExpiresAt: &claims.ExpiresAt}
	if p.AccountID == "" {
		p.AccountID = research.DefaultAccount
	}
	if slices.Contains(claims.Scopes, access.AdminScope) {
		p.Role = access.Admin
	}
	exists, err := m.AccountExists(ctx, p.AccountID)
	switch {
	case err != nil:
		return auth.Grant{}, err
	case !exists:
		return auth.Grant{}, errNoAccount
	}
	return auth.Grant{Principal: p}, nil
}
