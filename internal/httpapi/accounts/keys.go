package accounts

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	"legwork/api"
	"legwork/internal/access"
	"legwork/internal/auth"
	"legwork/internal/auth/apikey"
	"legwork/internal/httpapi/problem"
	"legwork/internal/research"
	"legwork/internal/store/identities"
	"legwork/internal/wire"
)

// own returns the user whose keys the caller may see and revoke. It returns nil when the caller may see and revoke all
// keys of the account.
func own(c auth.Caller) *uuid.UUID {
	if c.Role.Includes(access.Admin) {
		return nil
	}
	if c.UserID == nil { // a key without a user always has a high role; if one had a low role, it should see no keys
		return &uuid.Nil
	}
	return c.UserID
}

// ListKeys implements api.StrictServerInterface.
func (h *Handlers) ListKeys(ctx context.Context, _ api.ListKeysRequestObject) (api.ListKeysResponseObject, error) {
	caller := auth.CallerOf(ctx)
	keys, err := h.store.Keys(ctx, caller.AccountID, own(caller))
	if err != nil {
		return nil, err
	}
	out := api.ListKeys200JSONResponse{Keys: make([]api.APIKey, len(keys))}
	for i, k := range keys {
		out.Keys[i] = keyJSON(k)
	}
	return out, nil
}

// CreateKey implements api.StrictServerInterface.
func (h *Handlers) CreateKey(ctx context.Context, req api.CreateKeyRequestObject) (api.CreateKeyResponseObject, error) {
	body, err := h.readBody(req.Body, req.ContentType)
	if err != nil {
		return nil, err
	}
	in, err := wire.DecodeNewKey(body, time.Now())
	if err != nil {
		return nil, err
	}
	caller := auth.CallerOf(ctx)
	for _, scope := range in.Scopes {
		if !caller.HasScope(scope) {
			return nil, &problem.Problem{Status: http.StatusForbidden, Code: "insufficient_scope",
				Message: fmt.Sprintf("This credential lacks the scope %s, so it cannot give it to another key.", scope)}
		}
	}
	key := apikey.New()
	made, err := h.store.CreateKey(ctx, caller.Actor(), identities.NewKey{ID: key.ID, SecretHash: key.Hash, AccountID: caller.AccountID,
		UserID: caller.UserID, Name: in.Name, Scopes: in.Scopes, AllowedNets: in.AllowedNets, ExpiresAt: in.ExpiresAt})
	if err != nil {
		return nil, err
	}
	return api.CreateKey201JSONResponse{Key: key.Reveal(), APIKey: keyJSON(made)}, nil
}

// RevokeKey implements api.StrictServerInterface.
func (h *Handlers) RevokeKey(ctx context.Context, req api.RevokeKeyRequestObject) (api.RevokeKeyResponseObject, error) {
	caller := auth.CallerOf(ctx)
	if !apikey.IsID(req.ID) { // PostgreSQL refuses some texts, zero bytes for instance
		return nil, notFound(research.ErrNotFound, "key")
	}
	if _, err := h.store.RevokeKey(ctx, caller.Actor(), caller.AccountID, req.ID, own(caller)); err != nil {
		return nil, notFound(err, "key")
	}
	return api.RevokeKey204Response{}, nil
}

func keyJSON(k identities.Key) api.APIKey {
	out := api.APIKey{ID: k.ID, Name: k.Name, Scopes: make([]api.Scope, len(k.Scopes)), AllowedNets: make([]string, len(k.AllowedNets)),
		CreatedAt: api.NewTime(k.CreatedAt), ExpiresAt: moment(k.ExpiresAt), LastUsedAt: moment(k.LastUsedAt), RevokedAt: moment(k.RevokedAt)}
	for i, s := range k.Scopes {
		out.Scopes[i] = api.Scope(s)
	}
	for i, n := range k.AllowedNets {
		out.AllowedNets[i] = n.String()
	}
	if k.UserID != nil {
		id := k.UserID.String()
		out.UserID = &id
	}
	if k.LastUsedFrom != nil {
		from := k.LastUsedFrom.String()
		out.LastUsedFrom = &from
	}
	return out
}

func moment(t *time.Time) *api.Time {
	if t == nil {
		return nil
	}
	m := api.NewTime(*t)
	return &m
}
