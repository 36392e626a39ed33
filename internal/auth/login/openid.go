package login

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"legwork/internal/access"
	"legwork/internal/auth/openid"
	"legwork/internal/research"
	"legwork/internal/store/identities"
)

// Refusals of logins by OpenID. Test with errors.Is.
var (
	// ErrNotAllowed means that the policy does not allow the person's e-mail address or groups.
	ErrNotAllowed = errors.New("the policy lets this person not in")
	// ErrNotLinked means that a user has the person's e-mail address, but has not logged in at the provider before.
	ErrNotLinked = errors.New("a user with this e-mail address exists and is not linked to the provider")
)

// Policy says who may log in by OpenID, and which role they get.
type Policy struct {
	Account        string      // the account of which new users become members
	AllowedDomains []string    // domains of verified e-mail addresses, in lower case; empty means any
	Roles          []GroupRole // a person gets the role of the first entry whose group the person is in
	DefaultRole    access.Role // role of people in none of the groups; if it is empty, these people may log in only if they are users already
	LinkByEmail    bool        // whether a person is the existing user with the same verified e-mail address
}

// GroupRole is the role of the members of a group at the provider.
type GroupRole struct {
	Group string
	Role  access.Role
}

// roleOf returns the role for the groups of a person. It is empty if none of the groups has a role.
func (p Policy) roleOf(groups []string) access.Role {
	for _, g := range p.Roles {
		if slices.Contains(groups, g.Group) {
			return g.Role
		}
	}
	return ""
}

// allows reports whether the policy allows an e-mail address.
func (p Policy) allows(email string) bool {
	if len(p.AllowedDomains) == 0 {
		return true
	}
	_, domain, found := strings.Cut(email, "@")
	return found && slices.Contains(p.AllowedDomains, domain)
}

// OpenID logs in the person whom the provider has identified. The first login creates a user, if the policy allows
// it. If the policy has roles for groups, each login sets the user's role in the policy's account. OpenID refuses
// with ErrNotAllowed, ErrNotLinked, ErrWrong (the user is disabled) or ErrNoAccount.
func (s *Service) OpenID(ctx context.Context, c Client, who openid.Identity, policy Policy, old *uuid.UUID) (Started, error) {
	if !policy.allows(who.Email) {
		return Started{}, fmt.Errorf("%w: the domain of the e-mail address", ErrNotAllowed)
	}
	role := policy.roleOf(who.Groups)
	user, err := s.store.UserByIdentity(ctx, who.Issuer, who.Subject)
	if errors.Is(err, research.ErrNotFound) {
		user, err = s.admit(ctx, c, who, policy, role)
	}
	if err != nil {
		return Started{}, err
	}
	if user.Disabled {
		return Started{}, ErrWrong
	}
	if len(policy.Roles) > 0 {
		if role == "" {
			role = policy.DefaultRole
		}
		if role == "" {
			return Started{}, fmt.Errorf("%w: no group of the person has a role", ErrNotAllowed)
		}
		by := identities.Actor{Kind: identities.BySystem, ID: "openid", Address: c.Address}
		if err := s.store.SyncRole(ctx, by, user.ID, policy.Account, role); err != nil {
			return Started{}, err
		}
	}
	return s.Start(ctx, c, user, "openid", old)
}

// admit returns the user of a person who logs in at the provider for the first time. It links the person to an
// existing user, or creates a user.
func (s *Service) admit(ctx context.Context, c Client, who openid.Identity, policy Policy, role access.Role) (identities.User, error) {
	email, ok := Email(who.Email)
	if !ok {
		return identities.User{}, fmt.Errorf("%w: the provider tells no verified e-mail address", ErrNotAllowed)
	}
	by := identities.Actor{Kind: identities.BySystem, ID: "openid", Address: c.Address}
	known, err := s.store.UserByEmail(ctx, email)
	switch {
	case err == nil && !policy.LinkByEmail:
		return identities.User{}, ErrNotLinked
	case err == nil:
		return known, s.store.AddIdentity(ctx, by, known.ID, who.Issuer, who.Subject)
	case !errors.Is(err, research.ErrNotFound):
		return identities.User{}, err
	}
	if role == "" {
		role = policy.DefaultRole
	}
	if role == "" {
		return identities.User{}, fmt.Errorf("%w: no group of the person has a role", ErrNotAllowed)
	}
	name, ok := Name(plainText(who.Name))
	if !ok {
		name = ""
	}
	made := identities.NewUser{ID: uuid.Must(uuid.NewV7()), Email: email, Name: name}
	if err := s.store.CreateIdentityUser(ctx, by, made, who.Issuer, who.Subject, policy.Account, role); err != nil {
		return identities.User{}, err
	}
	return identities.User{ID: made.ID, Email: email, Name: name}, nil
}
