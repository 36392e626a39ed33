package login

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"legwork/internal/auth/token"
	"legwork/internal/research"
	"legwork/internal/store/identities"
)

// Acceptance is the data of a person who accepts an invitation.
type Acceptance struct {
	Token    string
	Email    string // as the person wrote it
	Name     string
	Password string
}

// Accept accepts an invitation and logs the person in. If in has no e-mail address, the invitation is accepted by
// user, who is logged in. If it has the address of an existing user, the password must be correct. If it has another
// address, Accept creates a user. It refuses with identities.ErrInvitation, ErrInvitedOther, ErrWrong, Locked or a
// research.ValidationError.
func (s *Service) Accept(ctx context.Context, c Client, in Acceptance, user, old *uuid.UUID) (Started, error) {
	invited, err := token.Parse(in.Token)
	if err != nil {
		return Started{}, identities.ErrInvitation
	}
	// The invitation is checked first, because hashing a password is expensive: only a person with a valid
	// invitation may cause this work.
	if err := s.store.CheckInvitation(ctx, invited.ID, invited.Secret.Hash()); err != nil {
		return Started{}, err
	}
	a := identities.Acceptance{ID: invited.ID, SecretHash: invited.Secret.Hash(), User: user}
	if in.Email != "" || user == nil {
		if a.User, a.New, err = s.invitee(ctx, c, in); err != nil {
			return Started{}, err
		}
	}
	started := Started{Token: token.New()}
	a.Session = s.session(c, started, "invitation")
	invitation, id, ends, err := s.store.Accept(ctx, c.actor(), a)
	if err != nil {
		return Started{}, err
	}
	started.UserID, started.AccountID, started.ExpiresAt = id, invitation.AccountID, ends
	return started, s.end(ctx, identities.Actor{Kind: identities.ByUser, ID: id.String(), Address: c.Address}, id, old)
}

// invitee returns the user with an e-mail address, if the password is correct. If there is no such user, it prepares
// a new one.
func (s *Service) invitee(ctx context.Context, c Client, in Acceptance) (*uuid.UUID, identities.NewUser, error) {
	var v research.ValidationError
	email, okEmail := Email(in.Email)
	if !okEmail {
		v.Add("email", "must be an e-mail address")
	}
	name, okName := Name(in.Name)
	if !okName {
		v.Add("name", "must be text of at most %d characters", maxName)
	}
	if err := v.Err(); err != nil {
		return nil, identities.NewUser{}, err
	}
	_, err := s.store.UserByEmail(ctx, email)
	switch {
	case err == nil:
		known, err := s.verify(ctx, c, email, in.Password)
		return &known.ID, identities.NewUser{}, err
	case !errors.Is(err, research.ErrNotFound):
		return nil, identities.NewUser{}, err
	}
	made, err := s.NewUser(ctx, email, name, in.Password)
	return nil, made, err
}

// NewUser prepares a user with a password. It returns a research.ValidationError when the password is not good enough.
func (s *Service) NewUser(ctx context.Context, email, name, pass string) (identities.NewUser, error) {
	if err := checkNew("password", pass, email, name); err != nil {
		return identities.NewUser{}, err
	}
	hash, err := s.passwords.Hash(ctx, pass)
	if err != nil {
		return identities.NewUser{}, err
	}
	return identities.NewUser{ID: uuid.Must(uuid.NewV7()), Email: email, Name: name, PasswordHash: hash}, nil
}
