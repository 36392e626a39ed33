package identities

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/google/uuid"

	"legwork/db"
	"legwork/internal/access"
	"legwork/internal/research"
	"legwork/internal/store"
)

// Key is an API key without its secret.
type Key struct {
	ID           string
	AccountID    string
	UserID       *uuid.UUID // nil for a key of an operator, whose rights depend on its scopes alone
	Name         string     // shown to people
	Scopes       []access.Scope
	AllowedNets  []netip.Prefix // networks from which the key may be used; empty means any
	CreatedAt    time.Time
	ExpiresAt    *time.Time  // nil means never
	LastUsedAt   *time.Time  // time of the last use, up to a minute late; nil when the key was never used
	LastUsedFrom *netip.Addr // nil when unknown
	RevokedAt    *time.Time  // nil when it is not revoked
}

// NewKey describes a key to create. Package internal/auth/apikey makes ID and SecretHash.
type NewKey struct {
	ID          string
	SecretHash  []byte // SHA-256
	AccountID   string
	UserID      *uuid.UUID
	Name        string
	Scopes      []access.Scope
	AllowedNets []netip.Prefix
	ExpiresAt   *time.Time
}

// CreateKey stores a key. It returns research.ErrNotFound when the account or the user does not exist.
func (s *Store) CreateKey(ctx context.Context, by Actor, k NewKey) (Key, error) {
	var out Key
	err := s.inTx(ctx, func(ctx context.Context, q *db.Queries) error {
		row, err := q.InsertAPIKey(ctx, db.InsertAPIKeyParams{
			ID: k.ID, AccountID: k.AccountID, UserID: k.UserID, Name: k.Name, SecretHash: k.SecretHash,
			Scopes: texts(k.Scopes), AllowedNets: orNone(k.AllowedNets), ExpiresAt: k.ExpiresAt,
		})
		if err != nil {
			return missingReference(err)
		}
		out = keyFrom(row)
		return record(ctx, q, by, Entry{AccountID: k.AccountID, Action: "key.create", Target: k.ID, Details: map[string]any{"scopes": texts(k.Scopes)}})
	})
	return out, err
}

// KeepKey stores a key of an operator whose secret comes from the configuration. It replaces a key with the same id,
// even if that key was revoked. KeepKey returns research.ErrConflict when the id belongs to a key of another account or
// of a user.
func (s *Store) KeepKey(ctx context.Context, by Actor, k NewKey) error {
	err := s.inTx(ctx, func(ctx context.Context, q *db.Queries) error {
		n, err := q.KeepAPIKey(ctx, db.KeepAPIKeyParams{ID: k.ID, AccountID: k.AccountID, Name: k.Name, SecretHash: k.SecretHash, Scopes: texts(k.Scopes)})
		switch {
		case err != nil:
			return missingReference(err)
		case n == 0:
			return fmt.Errorf("%w: the key %s belongs to somebody else", research.ErrConflict, k.ID)
		}
		return record(ctx, q, by, Entry{AccountID: k.AccountID, Action: "key.keep", Target: k.ID, Details: map[string]any{"scopes": texts(k.Scopes)}})
	})
	if err != nil {
		return err
	}
	return s.announce(ctx, access.KeyChanged(k.ID))
}

// KeyCredential is a key, with what decides whether the key may be used.
type KeyCredential struct {
	Key
	SecretHash []byte
	Role       access.Role // present role of its user in its account; empty when the key has no user, or the user is no member any more
	Expired    bool        // by the clock of the database
	Disabled   bool        // its user is disabled
}

// KeyCredential returns a key by its id, valid or not. It returns research.ErrNotFound when there is none.
func (s *Store) KeyCredential(ctx context.Context, id string) (KeyCredential, error) {
	row, err := s.q.APIKeyForLogin(ctx, id)
	if err != nil {
		return KeyCredential{}, store.Translate(err)
	}
	out := KeyCredential{Key: keyFrom(row.ApiKey), SecretHash: row.ApiKey.SecretHash, Expired: row.Expired, Disabled: row.Disabled}
	if row.Role != nil {
		out.Role = access.Role(*row.Role)
	}
	return out, nil
}

// maxListed is the greatest number of entries in lists that are not paged.
const maxListed = 1000

// Keys returns the keys of an account, newest first. When user is not nil, it returns only the keys of that user.
func (s *Store) Keys(ctx context.Context, account string, user *uuid.UUID) ([]Key, error) {
	rows, err := s.q.ListAPIKeys(ctx, account, user, maxListed)
	if err != nil {
		return nil, store.Translate(err)
	}
	out := make([]Key, len(rows))
	for i, row := range rows {
		out[i] = keyFrom(row)
	}
	return out, nil
}

// RevokeKey revokes a key of an account. When user is not nil, the key must belong to that user. It returns
// research.ErrNotFound when there is no such key. Revoking a key again only notifies the other processes again.
func (s *Store) RevokeKey(ctx context.Context, by Actor, account, id string, user *uuid.UUID) (Key, error) {
	var out Key
	err := s.inTx(ctx, func(ctx context.Context, q *db.Queries) error {
		row, err := q.RevokeAPIKey(ctx, id, account, user)
		if err != nil {
			return err
		}
		out = keyFrom(row)
		return record(ctx, q, by, Entry{AccountID: account, Action: "key.revoke", Target: id})
	})
	if err != nil {
		return Key{}, err
	}
	return out, s.announce(ctx, access.KeyChanged(id))
}

// KeyUse is the last use of a key.
type KeyUse struct {
	ID   string
	At   time.Time
	From netip.Addr // the zero address when unknown
}

// KeysUsed stores when and from where keys were last used.
func (s *Store) KeysUsed(ctx context.Context, uses []KeyUse) error {
	if len(uses) == 0 {
		return nil
	}
	ids, at, from := make([]string, len(uses)), make([]time.Time, len(uses)), make([]string, len(uses))
	for i, u := range uses {
		ids[i], at[i] = u.ID, u.At
		if u.From.IsValid() {
			from[i] = u.From.String()
		}
	}
	return store.Translate(s.q.APIKeysUsed(ctx, ids, at, from))
}

// Valid reports, for each principal, whether its credential may still be used and still has the same role. Principals
// without a key or session are valid, because the database has no row about them.
func (s *Store) Valid(ctx context.Context, principals []access.Principal) ([]bool, error) {
	var keys []string
	var sessions []uuid.UUID
	for _, p := range principals {
		switch {
		case p.KeyID != "":
			keys = append(keys, p.KeyID)
		case p.SessionID != nil:
			sessions = append(sessions, *p.SessionID)
		}
	}
	roles, err := s.roles(ctx, keys, sessions)
	if err != nil {
		return nil, store.Translate(err)
	}
	out := make([]bool, len(principals))
	for i, p := range principals {
		id := p.KeyID
		if id == "" && p.SessionID != nil {
			id = p.SessionID.String()
		}
		role, valid := roles[id]
		out[i] = id == "" || valid && (role == "" || role == p.Role)
	}
	return out, nil
}

// roles returns the present roles of those of the keys and sessions that may be used. The role of a key without a user
// is empty.
func (s *Store) roles(ctx context.Context, keys []string, sessions []uuid.UUID) (map[string]access.Role, error) {
	out := map[string]access.Role{}
	if len(keys) > 0 {
		rows, err := s.q.ValidAPIKeys(ctx, keys)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			out[row.ID] = ""
			if row.Role != nil {
				out[row.ID] = access.Role(*row.Role)
			}
		}
	}
	if len(sessions) > 0 {
		rows, err := s.q.ValidSessions(ctx, sessions)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			out[row.ID.String()] = access.Role(row.Role)
		}
	}
	return out, nil
}

func keyFrom(k db.ApiKey) Key {
	scopes := make([]access.Scope, len(k.Scopes))
	for i, scope := range k.Scopes {
		scopes[i] = access.Scope(scope)
	}
	return Key{ID: k.ID, AccountID: k.AccountID, UserID: k.UserID, Name: k.Name, Scopes: scopes, AllowedNets: k.AllowedNets,
		CreatedAt: k.CreatedAt, ExpiresAt: k.ExpiresAt, LastUsedAt: k.LastUsedAt, LastUsedFrom: k.LastUsedFrom, RevokedAt: k.RevokedAt}
}

func texts(scopes []access.Scope) []string {
	out := make([]string, len(scopes))
	for i, scope := range scopes {
		out[i] = string(scope)
	}
	return out
}

// orNone returns the list, or an empty list instead of nil, which would be stored as NULL.
func orNone(nets []netip.Prefix) []netip.Prefix {
	if nets == nil {
		return []netip.Prefix{}
	}
	return nets
}
