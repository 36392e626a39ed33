package login

import (
	"context"
	"time"

	"github.com/google/uuid"

	"legwork/internal/research"
	"legwork/internal/store/identities"
)

// freshLogin is how long after a login a user without a password may do what others need their password for.
const freshLogin = 10 * time.Minute

// Erase erases a user, who asks for it in a session. A user with a password must give it; one without must have logged in
// within freshLogin. Otherwise Erase returns ErrWrong, Locked, ErrTooOld or a research.ValidationError. For the last owner of an
// account that others use it returns an identities.LastOwnerOf.
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
