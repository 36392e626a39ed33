package main

import (
	"context"
	"fmt"

	"legwork/internal/access"
	"legwork/internal/auth"
	"legwork/internal/auth/apikey"
	"legwork/internal/config"
	"legwork/internal/httpapi"
	"legwork/internal/research"
	"legwork/internal/store/identities"
)

// openAccess creates the authenticator, which finds the principal of each request. With AUTH_MODE=off it creates
// none, and it returns config.ErrInsecure if other machines can reach the server.
func (a *app) openAccess(ctx context.Context) error {
	a.identities = identities.New(a.store)
	if a.cfg.AuthMode == config.AuthOff {
		if a.cfg.Insecure() {
			if !a.cfg.AuthAllowInsecure {
				return config.ErrInsecure
			}
			a.log.WarnContext(ctx, "there is no access control: everybody who reaches the port may read, ask and delete everything (AUTH_ALLOW_INSECURE)",
				"address", a.cfg.ListenAddr())
		}
		return nil
	}
	if err := a.keepBootstrapKey(ctx); err != nil {
		return err
	}
	a.authenticator = auth.Open(a.identities, a.log, a.methods()...)
	return nil
}

// authentication returns the object that the API asks for the caller of each request.
func (a *app) authentication() httpapi.Authenticator {
	if a.authenticator == nil {
		return auth.Off{}
	}
	return a.authenticator
}

// keepBootstrapKey stores the key of LEGWORK_BOOTSTRAP_KEY in the database, so that it is valid.
func (a *app) keepBootstrapKey(ctx context.Context) error {
	text := a.cfg.BootstrapKey.Reveal()
	if text == "" {
		return nil
	}
	key, err := apikey.Parse(text)
	if err != nil {
		return fmt.Errorf("LEGWORK_BOOTSTRAP_KEY: %w", err)
	}
	kept := identities.NewKey{ID: key.ID, SecretHash: key.Hash, AccountID: research.DefaultAccount, Name: "LEGWORK_BOOTSTRAP_KEY", Scopes: []access.Scope{access.AdminScope}}
	if err := a.identities.KeepKey(ctx, identities.Actor{Kind: identities.BySystem}, kept); err != nil {
		return fmt.Errorf("LEGWORK_BOOTSTRAP_KEY: %w", err)
	}
	a.log.InfoContext(ctx, "LEGWORK_BOOTSTRAP_KEY is valid", "key", key.ID)
	return nil
}
