package auth

import (
	"context"
	"crypto/subtle"
	"errors"
	"net/http"
	"strings"

	"legwork/internal/access"
	"legwork/internal/auth/apikey"
	"legwork/internal/research"
	"legwork/internal/store/identities"
)

// Keys is the Method of API keys: Authorization: Bearer lw_…, or X-API-Key: lw_….
type Keys struct {
	Store *identities.Store
}

// HeaderKey is the header for an API key, for clients that need the header Authorization for something else.
const HeaderKey = "X-Api-Key"

// Credential implements Method.
func (Keys) Credential(r *http.Request) (string, bool) {
	if bearer, ok := Bearer(r); ok && strings.HasPrefix(bearer, apikey.Prefix) {
		return bearer, true
	}
	key := r.Header.Get(HeaderKey)
	return key, key != ""
}

// Bearer returns the token of an Authorization header with the scheme Bearer (RFC 6750 §2.1).
func Bearer(r *http.Request) (token string, found bool) {
	scheme, token, found := strings.Cut(r.Header.Get("Authorization"), " ")
	if !found || !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	return strings.TrimSpace(token), true
}

// Reasons to refuse a key. A client that does not know the secret only learns that the key is not valid.
var (
	errKeyForm     = &Rejected{"This is not an API key: " + strings.TrimPrefix(apikey.ErrMalformed.Error(), "an API key ") + "."}
	errKeyUnknown  = &Rejected{"This API key is not valid; check that it was copied whole, or make a new one."}
	errKeyRevoked  = &Rejected{"This API key was revoked; make a new one."}
	errKeyExpired  = &Rejected{"This API key has expired; make a new one."}
	errKeyDisabled = &Rejected{"The user of this API key may not log in any more; ask an administrator."}
	errKeyNoMember = &Rejected{"The user of this API key is no longer a member of its account; ask an administrator."}
)

// Check implements Method.
func (m Keys) Check(ctx context.Context, credential string) (Grant, error) {
	key, err := apikey.Parse(credential)
	if err != nil {
		return Grant{}, errKeyForm
	}
	row, err := m.Store.KeyCredential(ctx, key.ID)
	switch {
	case errors.Is(err, research.ErrNotFound):
		return Grant{}, errKeyUnknown
	case err != nil:
		return Grant{}, err
	case subtle.ConstantTimeCompare(row.SecretHash, key.Hash) != 1:
		return Grant{}, errKeyUnknown
	}
	return grantOf(row)
}

// KeyGrant returns the present rights of the key with this id. Tickets that the key has created have these rights.
func KeyGrant(ctx context.Context, st *identities.Store, id string) (Grant, error) {
	row, err := st.KeyCredential(ctx, id)
	if errors.Is(err, research.ErrNotFound) {
		return Grant{}, errKeyUnknown
	}
	if err != nil {
		return Grant{}, err
	}
	return grantOf(row)
}

// grantOf returns the rights of a key whose secret was correct, or the reason why the key may not be used.
func grantOf(row identities.KeyCredential) (Grant, error) {
	switch {
	case row.RevokedAt != nil:
		return Grant{}, errKeyRevoked
	case row.Expired:
		return Grant{}, errKeyExpired
	case row.Disabled:
		return Grant{}, errKeyDisabled
	case row.UserID != nil && row.Role == "":
		return Grant{}, errKeyNoMember
	}
	p := access.Principal{Kind: access.ByKey, AccountID: row.AccountID, UserID: row.UserID, Role: access.Owner, Scopes: row.Scopes, KeyID: row.ID, ExpiresAt: row.ExpiresAt}
	if row.UserID != nil {
		p.Role = row.Role
	}
	return Grant{Principal: p, AllowedNets: row.AllowedNets}, nil
}
