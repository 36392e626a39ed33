package identities

import (
	"context"
	"time"

	"github.com/google/uuid"

	"legwork/db"
	"legwork/internal/access"
	"legwork/internal/store"
)

// LastOwnerOf means that a user cannot be erased, because an account that other people use would have no owner any more.
// errors.Is reports it as ErrLastOwner.
type LastOwnerOf struct {
	Account string // id of the account, which has other members, or tasks
}

// Error implements error.
func (l LastOwnerOf) Error() string {
	return "the user is the last owner of the account " + l.Account + ", which has other members or tasks"
}

// Unwrap returns ErrLastOwner.
func (l LastOwnerOf) Unwrap() error { return ErrLastOwner }

// MaxExported is the greatest number of tasks, and of audit entries, in an export.
const MaxExported = 50_000

// Export returns all that is stored about a user, without secrets, as the JSON object UserExport of the contract. It
// records the export in the audit log. It returns research.ErrNotFound when there is no such user, or the user was
// erased.
func (s *Store) Export(ctx context.Context, by Actor, user uuid.UUID) ([]byte, error) {
	var document string
	err := s.inTx(ctx, func(ctx context.Context, q *db.Queries) (err error) {
		if document, err = q.ExportUser(ctx, MaxExported, user); err != nil {
			return err
		}
		return record(ctx, q, by, Entry{Action: "user.export", Target: user.String()})
	})
	return []byte(document), err
}

// SessionIsFresh reports whether a session of a user began within the given time.
func (s *Store) SessionIsFresh(ctx context.Context, user, session uuid.UUID, within time.Duration) (bool, error) {
	fresh, err := s.q.SessionIsFresh(ctx, session, user, within.Seconds())
	return fresh, store.Translate(err)
}

// Erase removes all that is stored about a person: e-mail address, name, credentials, sessions, memberships and
// invitations. Only the id stays, because the audit log names it. Tasks stay in their account, without their author.
// Erase returns a LastOwnerOf when an account that other people use would have no owner, and research.ErrNotFound when
// there is no such user, or the user was erased.
func (s *Store) Erase(ctx context.Context, by Actor, user uuid.UUID) error {
	err := s.inTx(ctx, func(ctx context.Context, q *db.Queries) error {
		email, err := q.LockUserToErase(ctx, user)
		if err != nil {
			return err
		}
		if err := refuseLastOwner(ctx, q, user); err != nil {
			return err
		}
		for _, erase := range []func(context.Context, uuid.UUID) error{q.EraseAuthorship, q.EraseSessions, q.EraseKeys, q.EraseIdentities, q.ErasePasskeys,
			q.EraseChallenges, q.EraseMemberships, q.EraseUser} {
			if err := erase(ctx, user); err != nil {
				return err
			}
		}
		if err := q.EraseInvitations(ctx, email, user); err != nil {
			return err
		}
		if err := q.ForgetAttempts(ctx, "email:"+email); err != nil {
			return err
		}
		return record(ctx, q, by, Entry{Action: "user.erase", Target: user.String()})
	})
	if err != nil {
		return err
	}
	return s.announce(ctx, access.UserChanged(user))
}

// refuseLastOwner locks the owners of the user's accounts. It returns a LastOwnerOf when the user is the only owner of
// an account that other people use.
func refuseLastOwner(ctx context.Context, q *db.Queries, user uuid.UUID) error {
	left, err := q.AccountsToLeave(ctx, user)
	if err != nil {
		return err
	}
	for _, account := range left {
		rows, err := q.LockMembers(ctx, account, user)
		if err != nil {
			return err
		}
		owns, others := false, 0
		for _, row := range rows {
			switch {
			case row.UserID == user:
				owns = access.Role(row.Role) == access.Owner
			case access.Role(row.Role) == access.Owner:
				others++
			}
		}
		if !owns || others > 0 {
			continue
		}
		used, err := q.AccountIsUsedByOthers(ctx, account, user)
		if err != nil {
			return err
		}
		if used {
			return LastOwnerOf{Account: account}
		}
	}
	return nil
}

// UserNamed returns the id of a user. text is the user's id or e-mail address. It returns research.ErrNotFound when
// there is no such user.
func (s *Store) UserNamed(ctx context.Context, text string) (uuid.UUID, error) {
	id, err := uuid.Parse(text)
	if err != nil {
		return s.FindUser(ctx, text)
	}
	if _, err := s.User(ctx, id); err != nil {
		return uuid.Nil, err
	}
	return id, nil
}
