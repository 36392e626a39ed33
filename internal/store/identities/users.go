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
	PasswordHash string // PHC form; empty when the user has no password. Never show it
	Disabled     bool   // the user may not log in
}

// Membership is an account of a user, and the role in it.
type Membership struct {
	AccountID   string
	AccountName string // may be empty; then show the id
	Role        access.Role
}

// NewUser describes a user to create.
type NewUser struct {
	ID           uuid.UUID
	Email        string // lower case
	Name         string
	PasswordHash string // empty for a user without a password
}

// UserByEmail returns the user with an e-mail address. It returns research.ErrNotFound when there is none.
func (s *Store) UserByEmail(ctx context.Context, email string) (User, error) {
	row, err := s.q.LoginUser(ctx, email)
	return userFrom(row), store.Translate(err)
}

// User returns a user by id. It returns research.ErrNotFound when there is none.
func (s *Store) User(ctx context.Context, id uuid.UUID) (User, error) {
	row, err := s.q.UserByID(ctx, id)
	return userFrom(db.LoginUserRow(row)), store.Translate(err)
}

// UserByIdentity returns the user who is linked to a subject of an OpenID provider. It returns research.ErrNotFound when there
// is none.
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

// Memberships returns the accounts of a user, the oldest membership first.
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

// AccountExists reports whether an account with this id exists.
func (s *Store) AccountExists(ctx context.Context, account string) (bool, error) {
	exists, err := s.q.AccountExists(ctx, account)
	return exists, store.Translate(err)
}

// CreateUser creates a user as a member of an account. It returns ErrEmailTaken when another user has the e-mail address, and
// research.ErrNotFound when there is no such account.
func (s *Store) CreateUser(ctx context.Context, by Actor, n NewUser, account string, role access.Role) error {
	return s.inTx(ctx, func(ctx context.Context, q *db.Queries) error {
		if err := addUser(ctx, q, by, n, account); err != nil {
			return err
		}
		return join(ctx, q, by, n.ID, account, role)
	})
}

// addUser stores a user, and an entry of the audit log for account.
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

// join makes a user a member of an account. It raises the role of an existing member, and never lowers it.
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

// SetPassword replaces the password of a user, and ends all sessions of the user except keep, which may be nil.
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

// RehashPassword replaces the hash of a password by a hash of the same password with higher costs. It changes nothing
// when the password was changed meanwhile.
func (s *Store) RehashPassword(ctx context.Context, user uuid.UUID, oldHash, newHash string) error {
	return store.Translate(s.q.RehashPassword(ctx, &newHash, user, &oldHash))
}

// AddIdentity links a user to a subject of an OpenID provider. It returns research.ErrConflict when the subject is linked to a
// user already.
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

// CreateIdentityUser creates a user who is linked to a subject of an OpenID provider, as a member of an account.
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

// SyncRole sets the role of a user in an account to the role of the user's groups at an OpenID provider. It makes the user a
// member if necessary. The role of the last owner does not change.
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

// noRows reports whether a query returned no row.
func noRows(err error) bool { return errors.Is(err, pgx.ErrNoRows) }
