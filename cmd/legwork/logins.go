package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"legwork/cmd/legwork/commands"
	"legwork/internal/access"
	"legwork/internal/auth"
	"legwork/internal/auth/bearer"
	"legwork/internal/auth/login"
	"legwork/internal/auth/openid"
	"legwork/internal/auth/passkey"
	"legwork/internal/auth/password"
	"legwork/internal/auth/session"
	"legwork/internal/config"
	"legwork/internal/forwarded"
	"legwork/internal/httpapi/logins"
	"legwork/internal/research"
)

// hashesAtOnce is how many passwords a process hashes at the same time. Each takes 19 MiB of memory and one core.
const hashesAtOnce = 2

// methods returns the kinds of credentials that requests may have.
func (a *app) methods() []auth.Method {
	cfg := a.cfg
	out := []auth.Method{auth.Keys{Store: a.identities}}
	if cfg.AuthJWKSURL != "" {
		verifier := bearer.New(bearer.Config{JWKSURL: cfg.AuthJWKSURL, Issuer: cfg.AuthJWTIssuer, Audience: cfg.AuthJWTAudience,
			AccountClaim: cfg.AuthJWTAccountClaim, Logger: a.log})
		out = append(out, bearer.Method{Verifier: verifier, AccountExists: a.identities.AccountExists, Log: a.log})
	}
	return append(out, session.Ticket{Store: a.identities, Idle: cfg.SessionIdle},
		session.Browser{Store: a.identities, Cookies: cookies(cfg), Idle: cfg.SessionIdle})
}

// cookies returns cookies with the attribute Secure if the client uses TLS, to this server or to the proxy in front
// of it.
func cookies(cfg config.Config) session.Cookies {
	public := strings.HasPrefix(cfg.PublicURL, "https://")
	return session.Cookies{Secure: func(r *http.Request) bool { return public || forwarded.From(r.Context()).Secure }}
}

// loginConfig returns what the API needs to log people in.
func (a *app) loginConfig() (logins.Config, error) {
	cfg := a.cfg
	hasher, err := password.NewHasher(password.Standard(), hashesAtOnce)
	if err != nil {
		return logins.Config{}, fmt.Errorf("passwords: %w", err)
	}
	out := logins.Config{
		Off: cfg.AuthMode == config.AuthOff, Store: a.identities, Logins: login.New(a.identities, hasher, cfg.SessionLifetime, a.log),
		Cookies: cookies(cfg), Idle: cfg.SessionIdle, Passwords: bool(cfg.AuthPasswords), OpenIDName: cfg.OIDCName, Policy: policy(cfg),
		PublicURL: cfg.PublicURL, Issuer: cfg.AuthJWTIssuer, Audience: cfg.AuthJWTAudience, Log: a.log,
	}
	if out.Keys, err = commands.SecretKeys(cfg); err != nil {
		return logins.Config{}, err
	}
	if cfg.OIDCIssuer != "" {
		out.OpenID = openid.New(openid.Config{Issuer: cfg.OIDCIssuer, ClientID: cfg.OIDCClientID, ClientSecret: cfg.OIDCClientSecret.Reveal(),
			RedirectURL: cfg.PublicURL + "/api/auth/openid/callback", Scopes: cfg.OIDCScopes, GroupsClaim: cfg.OIDCGroupsClaim})
	}
	if !out.Off && passkey.Supported(cfg.PublicURL) {
		if out.Passkeys, err = passkey.New(cfg.PublicURL); err != nil {
			return logins.Config{}, err
		}
	}
	return out, nil
}

// policy returns the rules that decide who may log in by OpenID.
func policy(cfg config.Config) login.Policy {
	p := login.Policy{Account: research.DefaultAccount, AllowedDomains: cfg.OIDCAllowedDomains, LinkByEmail: bool(cfg.OIDCLinkByEmail)}
	if role := access.Role(cfg.OIDCDefaultRole); slices.Contains(access.Roles, role) {
		p.DefaultRole = role
	}
	for _, g := range cfg.GroupRoles() {
		p.Roles = append(p.Roles, login.GroupRole{Group: g.Group, Role: access.Role(g.Role)})
	}
	return p
}
