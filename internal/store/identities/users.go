package identities

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"legwork/db"
	"legwork/internal/access"
	"legwork/internal/research"
	"legwork/internal/store"
)

// ErrEmailTaken means that another user has the e-mail address.
var ErrEmailTaken = errors.New("another user has this e-mail address")

// User is a person.
type User struct {
	ID           uuid.UUID
	Email        string // lower case
	Name         string // may be empty
	PasswordHash string // PHC form; empty: the user has no password. Never show it
	Disabled     bool   // may not log in
}

// Membership is an account of a user, and the role in it.
type Membership struct {
	AccountID   string
	AccountName string // empty: show the id
	Role        access.Role
}

// NewUser is a user to be made, or to be found by an identity.
type NewUser struct {
	ID           uuid.UUID
	Email        string // lower case
	Name         string
	PasswordHash string // empty: no password
}

// UserByEmail finds a user. research.ErrNotFound: nobody has the address.
func (s *Store) UserByEmail(ctx context.Context, email string) (User, error) {
	row, err := s.q.LoginUser(ctx, email)
	return userFrom(row), store.Translate(err)
}

// User finds a user by the id. research.ErrNotFound: there is none.
func (s *Store) User(ctx context.Context, id uuid.UUID) (User, error) {
	row, err := s.q.UserByID(ctx, id)
	return userFrom(db.LoginUserRow(row)), store.Translate(err)
}

// UserByIdentity finds the user who logs in at an OpenID provider as the subject. research.ErrNotFound: nobody does.
func (s *Store) UserByIdentity(ctx context.Context, issuer, subject string) (User, error) {
	row, err := s.q.UserByIdentity(ctx, issuer, subject)
	return userFrom(db.LoginUserRow(row)), store.Translate(err)
}

func userFrom(row db.LoginUserRow) User {
	u := User{ID: row.ID, Email: row.Email, Name: row.Name, Disabled: row.Disabled}
	if row.PasswordHash != nil {
		u.PasswordHash = *row.PasswordHash
	}
	return u
}

// Memberships lists the accounts of a user, the oldest membership first.
func (s *Store) Memberships(ctx context.Context, user uuid.UUID) ([]Membership, error) {
	rows, err := s.q.AccountsOfUser(ctx, user)
	if err != nil {
		return nil, store.Translate(err)
	}
	out := make([]Membership, len(rows))
	for i, row := range rows {
		out[i] = Membership{AccountID: row.ID, AccountName: row.Name, Role: access.Role(row.Role)}
	}
	return out, nil
}

// AccountExists reports whether there is an account of this id.
func (s *Store) AccountExists(ctx context.Context, account string) (bool, error) {
	exists, err := s.q.AccountExists(ctx, account)
	return exists, store.Translate(err)
}

// CreateUser makes a user who is a member of an account. ErrEmailTaken: another one has the address.
// research.ErrNotFound: there is no such account.
func (s *Store) CreateUser(ctx context.Context, by Actor, n NewUser, account string, role access.Role) error {
	return s.inTx(ctx, func(ctx context.Context, q *db.Queries) error {
		if err := addUser(ctx, q, by, n, account); err != nil {
			return err
		}
		return join(ctx, q, by, n.ID, account, role)
	})
}

// addUser stores a user. account is where the audit log mentions it.
func addUser(ctx context.Context, q *db.Queries, by Actor, n NewUser, account string) error {
	p := db.AddUserParams{ID: n.ID, Email: n.Email, Name: n.Name}
	if n.PasswordHash != "" {
		p.PasswordHash = &n.PasswordHash
	}
	err := q.AddUser(ctx, p)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.ConstraintName == "users_by_email" {
		return ErrEmailTaken
	}
	if err != nil {
		return err
	}
	return record(ctx, q, by, Entry{AccountID: account, Action: "user.create", Target: n.ID.String()})
}

// join makes a user a member of an account. One who is a member with a lower role gets the higher one.
func join(ctx context.Context, q *db.Queries, by Actor, user uuid.UUID, account string, role access.Role) error {
	n, err := q.Join(ctx, account, user, string(role))
	if err != nil {
		return missingReference(err)
	}
	if n == 0 {
		return nil
	}
	return record(ctx, q, by, Entry{AccountID: account, Action: "member.add", Target: user.String(), Details: map[string]any{"role": string(role)}})
}

// SetPassword replaces the password of a user, and ends the user's sessions but for keep (nil: all of them).
func (s *Store) SetPassword(ctx context.Context, by Actor, user uuid.UUID, hash string, keep *uuid.UUID) error {
	var ended []uuid.UUID
	err := s.inTx(ctx, func(ctx context.Context, q *db.Queries) error {
		if _, err := q.LockUser(ctx, user); err != nil {
			return err
		}
		if err := q.SetPassword(ctx, &hash, user); err != nil {
			return err
		}
		var err error
		if ended, err = q.RevokeSessions(ctx, user, keep); err != nil {
			return err
		}
		return record(ctx, q, by, Entry{Action: "user.password", Target: user.String(), Details: map[string]any{"endedSessions": len(ended)}})
	})
	if err != nil {
		return err
	}
	notices := make([]access.Notice, len(ended))
	for i, id := range ended {
		notices[i] = access.SessionChanged(id)
	}
	return s.announce(ctx, notices...)
}

// RehashPassword stores the same password with higher costs, unless it was changed meanwhile.
func (s *Store) RehashPassword(ctx context.Context, user uuid.UUID, oldHash, newHash string) error {
	return store.Translate(s.q.RehashPassword(ctx, &newHash, user, &oldHash))
}

// AddIdentity lets a user log in at an OpenID provider as the subject. research.ErrConflict: the subject is somebody already.
func (s *Store) AddIdentity(ctx context.Context, by Actor, user uuid.UUID, issuer, subject string) error {
	return s.inTx(ctx, func(ctx context.Context, q *db.Queries) error { return addIdentity(ctx, q, by, user, issuer, subject) })
}

func addIdentity(ctx context.Context, q *db.Queries, by Actor, user uuid.UUID, issuer, subject string) error {
	err := q.AddIdentity(ctx, issuer, subject, user)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.ConstraintName == "identities_pkey" {
		return fmt.Errorf("%w: the identity belongs to a user already", research.ErrConflict)
	}
	if err != nil {
		return missingReference(err)
	}
	return record(ctx, q, by, Entry{Action: "identity.add", Target: user.String(), Details: map[string]any{"issuer": issuer}})
}

// CreateIdentityUser makes a user who logs in at an OpenID provider as the subject, and a member of an account.
func (s *Store) CreateIdentityUser(ctx context.Context, by Actor, n NewUser, issuer, subject, account string, role access.Role) error {
	return s.inTx(ctx, func(ctx context.Context, q *db.Queries) error {
		if err := addUser(ctx, q, by, n, account); err != nil {
			return err
		}
		if err := addIdentity(ctx, q, by, n.ID, issuer, subject); err != nil {
			return err
		}
		return join(ctx, q, by, n.ID, account, role)
	})
}

// SyncRole gives a user the role that the groups of an OpenID provider name, as a member of the account if the user was none.
// The last owner stays owner.
func (s *Store) SyncRole(ctx context.Context, by Actor, user uuid.UUID, account string, role access.Role) error {
	changed := false
	err := s.inTx(ctx, func(ctx context.Context, q *db.Queries) error {
		old, err := s.lockMember(ctx, q, access.Owner, account, user, role == access.Owner)
		switch {
		case errors.Is(err, research.ErrNotFound):
			return join(ctx, q, by, user, account, role)
		case errors.Is(err, ErrLastOwner), err == nil && old == role:
			return nil
		case err != nil:
			return err
		}
		if _, err := q.SetRole(ctx, string(role), account, user); err != nil {
			return err
		}
		changed = true
		return record(ctx, q, by, Entry{AccountID: account, Action: "member.change", Target: user.String(),
			Details: map[string]any{"from": string(old), "to": string(role)}})
	})
	if err != nil || !changed {
		return err
	}
	return s.announce(ctx, access.UserChanged(user))
}

// noRows reports whether a query found nothing.
func noRows(err error) bool { return errors.Is(err, pgx.ErrNoRows) }
