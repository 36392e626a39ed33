package main

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"legwork/internal/access"
	"legwork/internal/auth/token"
	"legwork/internal/research"
	"legwork/internal/store/identities"
)

// setupLife is how long the set-up link is valid, with which the first owner is created.
const setupLife = 24 * time.Hour

// offerSetup logs a set-up link for the first owner of the account default, if the account has no owner and no key is configured.
// Each start creates a new link. Earlier links are valid until they expire or there is an owner.
func (a *app) offerSetup(ctx context.Context) error {
	if a.authenticator == nil || a.cfg.BootstrapKey != "" {
		return nil
	}
	has, err := a.identities.HasOwner(ctx, research.DefaultAccount)
	if err != nil || has {
		return err
	}
	link, err := a.invite(ctx, identities.Actor{Kind: identities.BySystem}, identities.NewInvitation{AccountID: research.DefaultAccount, Role: access.Owner, Lifetime: setupLife})
	if err != nil {
		return err
	}
	a.setupLink = link
	a.log.WarnContext(ctx, "nobody can use this server yet: open the link to become its owner; it works once, within 24 hours", "link", link)
	return nil
}

// invite creates an invitation and returns its link.
func (a *app) invite(ctx context.Context, by identities.Actor, in identities.NewInvitation) (string, error) {
	made := token.New()
	in.ID, in.SecretHash = made.ID, made.Secret.Hash()
	if _, err := a.identities.CreateInvitation(ctx, by, access.Owner, in); err != nil {
		return "", fmt.Errorf("invite an owner: %w", err)
	}
	base := a.cfg.PublicURL
	if base == "" {
		base = a.apiURL()
	}
	return base + "/setup?token=" + url.QueryEscape(made.Text()), nil
}
