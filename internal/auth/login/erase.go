package login

import (
	"context"
	"time"

	"github.com/google/uuid"

	"legwork/internal/research"
	"legwork/internal/store/identities"
)

// freshLogin is how recently a user without a password must have logged in to be erased. Other users must give their
// password instead.
const freshLogin = 10 * time.Minute

// Erase erases the user with this id at the user's own request, made in a session. A user with a password must give
// it. A user without a password must have logged in within freshLogin. Otherwise Erase returns ErrWrong, Locked,
// ErrTooOld or a research.ValidationError. If the user is the last owner of an account that has other users, it
// returns an identities.LastOwnerOf.
func (s *Service) Erase(ctx context.Context, c Client, id, session uuid.UUID, pass string) error {
	user, err := s.store.User(ctx, id)
	if err != nil {
		return err
	}
	if user.PasswordHash == "" {
		fresh, err := s.store.SessionIsFresh(ctx, id, session, freshLogin)
		if err != nil {
			return err
		}
		if !fresh {
			return ErrTooOld
		}
	} else {
		if pass == "" {
			var v research.ValidationError
			v.Add("password", "is missing")
			return v.Err()
		}
		if _, err := s.verify(ctx, c, user.Email, pass); err != nil {
			return err
		}
	}
	return s.store.Erase(ctx, identities.Actor{Kind: identities.ByUser, ID: id.String(), Address: c.Address}, id)
}
