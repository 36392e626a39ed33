package identities

import (
	"context"
	"encoding/hex"

	"github.com/google/uuid"

	"legwork/db"
	"legwork/internal/access"
	"legwork/internal/store"
)

// TicketOwner is the credential that created a ticket: a session or a key.
type TicketOwner struct {
	SessionID *uuid.UUID
	KeyID     string
}

// CreateTicket stores a ticket for one stream. The ticket is valid for 30 seconds, and gives the same rights as the
// credential of p, which must be a session or a key.
func (s *Store) CreateTicket(ctx context.Context, secretHash []byte, p access.Principal) error {
	var key *string
	if p.KeyID != "" {
		key = &p.KeyID
	}
	return store.Translate(missingReference(s.q.CreateTicket(ctx, secretHash, p.SessionID, key)))
}

// TakeTicket removes a ticket and returns its owner. It returns research.ErrNotFound when there is no such ticket, or it was
// used or has expired.
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

// ChallengeKind is the kind of login that a challenge belongs to.
type ChallengeKind string

// The kinds of challenges.
const (
	OpenIDLogin         ChallengeKind = "openid"
	PasskeyLogin        ChallengeKind = "passkey_login"
	PasskeyRegistration ChallengeKind = "passkey_registration"
)

// challengeSeconds is how long a login at an OpenID provider or with a passkey may take, in seconds.
const challengeSeconds = 600

// CreateChallenge stores the sealed data against which the answer of an OpenID provider or a passkey will be checked. The
// challenge is valid for ten minutes. The data must be sealed for [ChallengePlace]. user is nil when it is not yet known
// who logs in.
func (s *Store) CreateChallenge(ctx context.Context, secretHash []byte, kind ChallengeKind, user *uuid.UUID, box []byte) error {
	return store.Translate(s.q.CreateChallenge(ctx, db.CreateChallengeParams{SecretHash: secretHash, Kind: string(kind), UserID: user, Box: box, LifetimeSeconds: challengeSeconds}))
}

// TakeChallenge removes a challenge and returns its sealed data. It returns research.ErrNotFound when there is no such
// challenge, or it was used, has expired or is of another kind.
func (s *Store) TakeChallenge(ctx context.Context, secretHash []byte, kind ChallengeKind) (user *uuid.UUID, box []byte, err error) {
	row, err := s.q.TakeChallenge(ctx, secretHash, string(kind))
	if err != nil {
		return nil, nil, store.Translate(err)
	}
	return row.UserID, row.Box, nil
}

// ChallengePlace names the place of a challenge's sealed data, so that it cannot be opened in another place.
func ChallengePlace(secretHash []byte, kind ChallengeKind) string {
	return "login_challenges:" + string(kind) + ":" + hex.EncodeToString(secretHash)
}
