package config

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// roles are the names of the roles of package internal/access.
var roles = []string{"viewer", "member", "admin", "owner"}

// NoRole is the value of OIDC_DEFAULT_ROLE with which people who are not users yet may not log in.
const NoRole = "none"

// GroupRole is the role of the members of a group at the OpenID provider.
type GroupRole struct {
	Group string
	Role  string
}

// GroupRoles returns the entries of OIDC_ROLES, in the same order.
func (c Config) GroupRoles() []GroupRole {
	out := make([]GroupRole, 0, len(c.OIDCRoles))
	for _, item := range c.OIDCRoles {
		role, group, _ := strings.Cut(item, "=")
		out = append(out, GroupRole{Group: strings.TrimSpace(group), Role: strings.TrimSpace(role)})
	}
	return out
}

func (v *validator) logins(c *Config) {
	c.PublicURL = strings.TrimSuffix(c.PublicURL, "/")
	v.optional("PUBLIC_URL", c.PublicURL, func(s string) bool {
		u, err := url.Parse(s)
		return webURL(s, "http", "https") && err == nil && u.Path == "" && u.RawQuery == "" && u.Fragment == ""
	})
	v.require("SESSION_IDLE", within(c.SessionIdle, 5*time.Minute, 2160*time.Hour))
	v.require("SESSION_LIFETIME", within(c.SessionLifetime, 5*time.Minute, 8760*time.Hour))
	v.ordered("SESSION_IDLE", "SESSION_LIFETIME", c.SessionIdle, c.SessionLifetime)
	v.require("AUTH_PASSWORDS", bool(c.AuthPasswords) || c.OIDCIssuer != "")
	v.openID(c)
	v.tokens(c)
}

func (v *validator) openID(c *Config) {
	v.optional("OIDC_ISSUER", c.OIDCIssuer, trustedURL)
	v.require("OIDC_CLIENT_ID", printable(c.OIDCClientID, false) && (c.OIDCIssuer == "" || c.OIDCClientID != ""))
	v.require("OIDC_CLIENT_SECRET", printable(c.OIDCClientSecret.Reveal(), false))
	v.require("OIDC_NAME", utf8.ValidString(c.OIDCName) && utf8.RuneCountInString(c.OIDCName) <= 60)
	v.require("OIDC_SCOPES", !slices.ContainsFunc(c.OIDCScopes, func(s string) bool { return !printable(s, false) }))
	v.require("OIDC_GROUPS_CLAIM", c.OIDCGroupsClaim != "" && printable(c.OIDCGroupsClaim, false))
	for i, domain := range c.OIDCAllowedDomains {
		c.OIDCAllowedDomains[i] = strings.ToLower(domain)
		v.require("OIDC_ALLOWED_DOMAINS", validHost(domain))
	}
	for _, g := range c.GroupRoles() {
		v.require("OIDC_ROLES", slices.Contains(roles, g.Role) && g.Group != "")
	}
	c.OIDCDefaultRole = strings.ToLower(c.OIDCDefaultRole)
	v.require("OIDC_DEFAULT_ROLE", c.OIDCDefaultRole != "owner" && slices.Contains(append([]string{NoRole}, roles...), c.OIDCDefaultRole))
	if c.OIDCIssuer != "" && c.PublicURL == "" {
		v.add("PUBLIC_URL", "be set with OIDC_ISSUER: the provider sends browsers back to it")
	}
}

func (v *validator) tokens(c *Config) {
	v.optional("AUTH_JWKS_URL", c.AuthJWKSURL, trustedURL)
	v.require("AUTH_JWT_ISSUER", (c.AuthJWTIssuer != "") == (c.AuthJWKSURL != ""))
	v.require("AUTH_JWT_AUDIENCE", (c.AuthJWTAudience != "") == (c.AuthJWKSURL != ""))
	v.require("AUTH_JWT_ACCOUNT_CLAIM", c.AuthJWTAccountClaim != "" && printable(c.AuthJWTAccountClaim, false))
}

// trustedURL accepts https URLs, and http URLs on loopback. Somebody who can change the response of such a URL can
// log in as any user, so http is not allowed over a network.
func trustedURL(s string) bool {
	if webURL(s, "https") {
		return true
	}
	u, err := url.Parse(s)
	if err != nil || !webURL(s, "http") {
		return false
	}
	addr, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && addr.IsLoopback()
}
