package identities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"legwork/db"
	"legwork/internal/access"
	"legwork/internal/research"
	"legwork/internal/store"
)

// These are the errors for refused changes to members. Test with errors.Is.
var (
	// ErrLastOwner means that the account would have no owner any more.
	ErrLastOwner = errors.New("the last owner")
	// ErrRoleTooHigh means that the old or the new role is above the caller's.
	ErrRoleTooHigh = errors.New("role above the caller's")
)

// Member is a user with a role in one account.
type Member struct {
	UserID      uuid.UUID
	Role        access.Role
	Since       time.Time
	Email       string
	Name        string
	LastLoginAt *time.Time // nil when the user has never logged in
	DisabledAt  *time.Time // nil when the user may log in
}

// Members returns the members of an account, ordered by e-mail address.
func (s *Store) Members(ctx context.Context, account string) ([]Member, error) {
	rows, err := s.q.ListMembers(ctx, account, maxListed)
	if err != nil {
		return nil, store.Translate(err)
	}
	out := make([]Member, len(rows))
	for i, row := range rows {
		out[i] = memberFrom(row)
	}
	return out, nil
}

func memberFrom(row db.ListMembersRow) Member {
	return Member{UserID: row.UserID, Role: access.Role(row.Role), Since: row.CreatedAt, Email: row.Email, Name: row.Name,
		LastLoginAt: row.LastLoginAt, DisabledAt: row.DisabledAt}
}

// ChangeRole changes the role of a member. most is the caller's role. It returns ErrRoleTooHigh when the old or the new role is
// above most, ErrLastOwner when the account would lose its last owner, and research.ErrNotFound when there is no such member.
func (s *Store) ChangeRole(ctx context.Context, by Actor, most access.Role, account string, user uuid.UUID, role access.Role) (Member, error) {
	var out Member
	err := s.inTx(ctx, func(ctx context.Context, q *db.Queries) error {
		old, err := s.lockMember(ctx, q, most, account, user, role == access.Owner)
		if err != nil {
			return err
		}
		if !most.Includes(role) {
			return ErrRoleTooHigh
		}
		row, err := q.SetRole(ctx, string(role), account, user)
		if err != nil {
			return err
		}
		out = memberFrom(db.ListMembersRow(row))
		return record(ctx, q, by, Entry{AccountID: account, Action: "member.change", Target: user.String(),
			Details: map[string]any{"from": string(old), "to": string(role)}})
	})
	if err != nil {
		return Member{}, err
	}
	return out, s.announce(ctx, access.UserChanged(user))
}

// RemoveMember ends a membership, and all sessions and keys of the user in the account, for good: they are not valid again
// if the user becomes a member again. It returns the same errors as ChangeRole.
func (s *Store) RemoveMember(ctx context.Context, by Actor, most access.Role, account string, user uuid.UUID) error {
	err := s.inTx(ctx, func(ctx context.Context, q *db.Queries) error {
		old, err := s.lockMember(ctx, q, most, account, user, false)
		if err != nil {
			return err
		}
		if _, err := q.RemoveMember(ctx, account, user); err != nil {
			return err
		}
		if err := q.RevokeKeysOfMember(ctx, account, user); err != nil {
			return err
		}
		if err := q.EndSessionsOfMember(ctx, account, user); err != nil {
			return err
		}
		return record(ctx, q, by, Entry{AccountID: account, Action: "member.remove", Target: user.String(), Details: map[string]any{"role": string(old)}})
	})
	if err != nil {
		return err
	}
	return s.announce(ctx, access.UserChanged(user))
}

// lockMember returns the role of a member, and checks whether it may be changed. It locks the owners of the account until the
// transaction ends, so two owners cannot remove each other.
func (s *Store) lockMember(ctx context.Context, q *db.Queries, most access.Role, account string, user uuid.UUID, staysOwner bool) (access.Role, error) {
	rows, err := q.LockMembers(ctx, account, user)
	if err != nil {
		return "", err
	}
	var role access.Role
	owners := 0
	for _, row := range rows {
		if row.UserID == user {
			role = access.Role(row.Role)
		}
		if access.Role(row.Role) == access.Owner {
			owners++
		}
	}
	switch {
	case role == "":
		return "", fmt.Errorf("%w: member %s", research.ErrNotFound, user)
	case !most.Includes(role):
		return "", ErrRoleTooHigh
	case role == access.Owner && owners == 1 && !staysOwner:
		return "", ErrLastOwner
	}
	return role, nil
}

// HasOwner reports whether the account has an owner who can log in.
func (s *Store) HasOwner(ctx context.Context, account string) (bool, error) {
	has, err := s.q.HasOwner(ctx, account)
	return has, store.Translate(err)
}

// Account is an account with its numbers of members and keys.
type Account struct {
	ID            string
	Name          string // may be empty; then show the id
	CreatedAt     time.Time
	Members, Keys int64 // Keys counts only keys that may be used
}

// CreateAccount creates an account. It returns research.ErrConflict when an account with this id exists.
func (s *Store) CreateAccount(ctx context.Context, by Actor, id, name string) error {
	return s.inTx(ctx, func(ctx context.Context, q *db.Queries) error {
		n, err := q.InsertAccount(ctx, id, name)
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("%w: the account %s exists already", research.ErrConflict, id)
		}
		return record(ctx, q, by, Entry{AccountID: id, Action: "account.create", Target: id})
	})
}

// Accounts returns all accounts, for operators.
func (s *Store) Accounts(ctx context.Context) ([]Account, error) {
	rows, err := s.q.ListAccounts(ctx)
	if err != nil {
		return nil, store.Translate(err)
	}
	out := make([]Account, len(rows))
	for i, row := range rows {
		out[i] = Account{ID: row.ID, Name: row.Name, CreatedAt: row.CreatedAt, Members: row.Members, Keys: row.Keys}
	}
	return out, nil
}

// FindUser returns the id of the user with an e-mail address. It returns research.ErrNotFound when there is none.
func (s *Store) FindUser(ctx context.Context, email string) (uuid.UUID, error) {
	id, err := s.q.UserIDByEmail(ctx, email)
	return id, store.Translate(err)
}

// SetDisabled disables a user in every account, or enables the user again. A disabled user cannot log in, and the
// sessions and keys of the user do not work. SetDisabled returns research.ErrNotFound when there is no such user.
func (s *Store) SetDisabled(ctx context.Context, by Actor, user uuid.UUID, disabled bool) error {
	action := "user.enable"
	if disabled {
		action = "user.disable"
	}
	err := s.inTx(ctx, func(ctx context.Context, q *db.Queries) error {
		n, err := q.SetUserDisabled(ctx, disabled, user)
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("%w: user %s", research.ErrNotFound, user)
		}
		return record(ctx, q, by, Entry{Action: action, Target: user.String()})
	})
	if err != nil {
		return err
	}
	return s.announce(ctx, access.UserChanged(user))
}
