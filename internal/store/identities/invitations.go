package identities

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"legwork/db"
	"legwork/internal/access"
	"legwork/internal/research"
	"legwork/internal/store"
)

// These are the errors for refused invitations. Test with errors.Is.
var (
	// ErrInvitation means that there is no such invitation, or that it was accepted or revoked, or has expired.
	ErrInvitation = errors.New("the invitation does not count")
	// ErrInvitedOther means that the invitation is for another e-mail address.
	ErrInvitedOther = errors.New("the invitation is for another e-mail address")
)

// Invitation is an invitation to become a member of an account, without its secret. It can be accepted once.
type Invitation struct {
	ID         uuid.UUID
	AccountID  string
	Email      string // only a user with this address may accept; empty when anybody with the link may
	Role       access.Role
	CreatedBy  *uuid.UUID // nil when an operator or a key without a user created it
	CreatedAt  time.Time
	ExpiresAt  time.Time
	AcceptedAt *time.Time // nil when it was not accepted
}

// NewInvitation describes an invitation to create. Package internal/auth/token makes ID and SecretHash.
type NewInvitation struct {
	ID         uuid.UUID
	SecretHash []byte
	AccountID  string
	Email      string // lower case; empty when anybody with the link may accept
	Role       access.Role
	CreatedBy  *uuid.UUID
	Lifetime   time.Duration
}

// CreateInvitation stores an invitation. most is the caller's role. CreateInvitation returns ErrRoleTooHigh when the
// invitation's role is above most.
func (s *Store) CreateInvitation(ctx context.Context, by Actor, most access.Role, n NewInvitation) (Invitation, error) {
	if !most.Includes(n.Role) {
		return Invitation{}, ErrRoleTooHigh
	}
	var out Invitation
	err := s.inTx(ctx, func(ctx context.Context, q *db.Queries) error {
		p := db.CreateInvitationParams{ID: n.ID, AccountID: n.AccountID, Role: string(n.Role), SecretHash: n.SecretHash,
			CreatedBy: n.CreatedBy, LifetimeSeconds: n.Lifetime.Seconds()}
		if n.Email != "" {
			p.Email = &n.Email
		}
		row, err := q.CreateInvitation(ctx, p)
		if err != nil {
			return missingReference(err)
		}
		out = invitationFrom(db.InvitationsRow(row))
		return record(ctx, q, by, Entry{AccountID: n.AccountID, Action: "invitation.create", Target: n.ID.String(), Details: map[string]any{"role": string(n.Role)}})
	})
	return out, err
}

// Invitations returns the invitations of an account, newest first, including accepted ones.
func (s *Store) Invitations(ctx context.Context, account string) ([]Invitation, error) {
	rows, err := s.q.Invitations(ctx, account)
	if err != nil {
		return nil, store.Translate(err)
	}
	out := make([]Invitation, len(rows))
	for i, row := range rows {
		out[i] = invitationFrom(row)
	}
	return out, nil
}

func invitationFrom(row db.InvitationsRow) Invitation {
	i := Invitation{ID: row.ID, AccountID: row.AccountID, Role: access.Role(row.Role), CreatedBy: row.CreatedBy,
		CreatedAt: row.CreatedAt, ExpiresAt: row.ExpiresAt, AcceptedAt: row.AcceptedAt}
	if row.Email != nil {
		i.Email = *row.Email
	}
	return i
}

// RevokeInvitation removes an invitation that was not accepted. The parameter most is the caller's role.
// RevokeInvitation returns research.ErrNotFound when the account has no such invitation, and ErrRoleTooHigh when the
// invitation's role is higher than the caller's.
func (s *Store) RevokeInvitation(ctx context.Context, by Actor, most access.Role, account string, id uuid.UUID) error {
	return s.inTx(ctx, func(ctx context.Context, q *db.Queries) error {
		role, err := q.InvitationRole(ctx, id, account)
		if err != nil {
			return err
		}
		if !most.Includes(access.Role(role)) {
			return ErrRoleTooHigh
		}
		n, err := q.RevokeInvitation(ctx, id, account)
		if err != nil {
			return err
		}
		if n == 0 { // the invitation was accepted meanwhile
			return fmt.Errorf("%w: invitation %s", research.ErrNotFound, id)
		}
		return record(ctx, q, by, Entry{AccountID: account, Action: "invitation.revoke", Target: id.String()})
	})
}

// Acceptance describes who accepts an invitation: an existing user whose identity was checked, or a new user.
type Acceptance struct {
	ID         uuid.UUID  // of the invitation
	SecretHash []byte     // hash of the secret in the link
	User       *uuid.UUID // the existing user who accepts; nil when the user New is created
	New        NewUser
	Session    NewSession // the session to create; Accept sets its user and account
}

// Accept accepts an invitation and creates a session, in one transaction. It returns the invitation, the user and the
// end of the session. When it refuses, it returns ErrInvitation, ErrInvitedOther or ErrEmailTaken.
func (s *Store) Accept(ctx context.Context, by Actor, a Acceptance) (Invitation, uuid.UUID, time.Time, error) {
	var invitation Invitation
	var ends time.Time
	user := a.New.ID
	err := s.inTx(ctx, func(ctx context.Context, q *db.Queries) error {
		row, err := q.LockInvitation(ctx, a.ID)
		if noRows(err) {
			return ErrInvitation
		}
		if err != nil {
			return err
		}
		if subtle.ConstantTimeCompare(row.SecretHash, a.SecretHash) != 1 || row.Accepted || row.Expired {
			return ErrInvitation
		}
		invitation = Invitation{ID: row.ID, AccountID: row.AccountID, Role: access.Role(row.Role)}
		email := a.New.Email
		if a.User != nil {
			known, err := q.LockUser(ctx, *a.User)
			if err != nil {
				return err
			}
			user, email = known.ID, known.Email
		}
		if row.Email != nil && *row.Email != email {
			return ErrInvitedOther
		}
		by.Kind, by.ID = ByUser, user.String()
		if a.User == nil {
			if err := addUser(ctx, q, by, a.New, row.AccountID); err != nil {
				return err
			}
		}
		if err := join(ctx, q, by, user, row.AccountID, invitation.Role); err != nil {
			return err
		}
		if err := q.AcceptInvitation(ctx, &user, a.ID); err != nil {
			return err
		}
		if invitation.Role == access.Owner { // other set-up links, which the log may show, must not make another owner
			if err := q.WithdrawSetupLinks(ctx, row.AccountID); err != nil {
				return err
			}
		}
		if err := record(ctx, q, by, Entry{AccountID: row.AccountID, Action: "invitation.accept", Target: a.ID.String()}); err != nil {
			return err
		}
		a.Session.UserID, a.Session.AccountID = user, row.AccountID
		ends, err = startSession(ctx, q, by, a.Session)
		return err
	})
	if err == nil && a.User != nil { // the role of the user may have changed
		err = s.announce(ctx, access.UserChanged(user))
	}
	return invitation, user, ends, err
}

// CheckInvitation checks an invitation without accepting it. It returns ErrInvitation when the invitation is not valid.
func (s *Store) CheckInvitation(ctx context.Context, id uuid.UUID, secretHash []byte) error {
	row, err := s.q.InvitationSecret(ctx, id)
	if err != nil && !noRows(err) {
		return store.Translate(err)
	}
	if err != nil || subtle.ConstantTimeCompare(row.SecretHash, secretHash) != 1 || row.Accepted || row.Expired {
		return ErrInvitation
	}
	return nil
}
