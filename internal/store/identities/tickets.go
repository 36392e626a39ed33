package identities

import (
	"context"
	"encoding/json"

	"github.com/google/uuid"

	"legwork/db"
	"legwork/internal/access"
	"legwork/internal/store"
)

// TicketOwner is the credential that made a ticket. One of the two is set.
type TicketOwner struct {
	SessionID *uuid.UUID
	KeyID     string
}

// CreateTicket stores a ticket for one stream, which acts as the credential of p and is valid for 30 seconds. p must be from
// a session or a key.
func (s *Store) CreateTicket(ctx context.Context, secretHash []byte, p access.Principal) error {
	var key *string
	if p.KeyID != "" {
		key = &p.KeyID
	}
	return store.Translate(missingReference(s.q.CreateTicket(ctx, secretHash, p.SessionID, key)))
}

// TakeTicket uses a ticket up, and says whose it is. research.ErrNotFound: there is none, or it was used or is too old.
func (s *Store) TakeTicket(ctx context.Context, secretHash []byte) (TicketOwner, error) {
	row, err := s.q.TakeTicket(ctx, secretHash)
	if err != nil {
		return TicketOwner{}, store.Translate(err)
	}
	owner := TicketOwner{SessionID: row.SessionID}
	if row.KeyID != nil {
		owner.KeyID = *row.KeyID
	}
	return owner, nil
}

// ChallengeKind says which login a challenge belongs to.
type ChallengeKind string

// The kinds of challenges.
const (
	OpenIDLogin         ChallengeKind = "openid"
	PasskeyLogin        ChallengeKind = "passkey_login"
	PasskeyRegistration ChallengeKind = "passkey_registration"
)

// challengeSeconds is how long a login may take that leads to another site or a device.
const challengeSeconds = 600

// CreateChallenge stores what the answer of an OpenID provider or a passkey will be checked against, for ten minutes. data must
// be a JSON object. user is nil while it is not known who logs in.
func (s *Store) CreateChallenge(ctx context.Context, secretHash []byte, kind ChallengeKind, user *uuid.UUID, data json.RawMessage) error {
	return store.Translate(s.q.CreateChallenge(ctx, db.CreateChallengeParams{SecretHash: secretHash, Kind: string(kind), UserID: user, Data: data, LifetimeSeconds: challengeSeconds}))
}

// TakeChallenge uses a challenge up. research.ErrNotFound: there is none, or it was used, is too old, or of another kind.
func (s *Store) TakeChallenge(ctx context.Context, secretHash []byte, kind ChallengeKind) (*uuid.UUID, json.RawMessage, error) {
	row, err := s.q.TakeChallenge(ctx, secretHash, string(kind))
	if err != nil {
		return nil, nil, store.Translate(err)
	}
	return row.UserID, row.Data, nil
}
