package config

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLogins(t *testing.T) {
	t.Parallel()
	openID := []string{"OIDC_ISSUER=https://id.example.org", "OIDC_CLIENT_ID=legwork", "PUBLIC_URL=https://research.example.org"}
	tokens := []string{"AUTH_JWKS_URL=https://id.example.org/keys", "AUTH_JWT_ISSUER=https://id.example.org", "AUTH_JWT_AUDIENCE=legwork"}
	for name, c := range map[string]struct {
		environ []string
		wrong   string // the variable that must be refused; empty if all are accepted
	}{
		"nothing":                        {nil, ""},
		"OpenID":                         {openID, ""},
		"OpenID on loopback":             {append(openID, "OIDC_ISSUER=http://127.0.0.1:9998"), ""},
		"OpenID without TLS":             {append(openID, "OIDC_ISSUER=http://id.example.org"), "OIDC_ISSUER"},
		"OpenID without client":          {[]string{openID[0], openID[2]}, "OIDC_CLIENT_ID"},
		"OpenID without public URL":      {openID[:2], "PUBLIC_URL"},
		"OpenID only":                    {append(openID, "AUTH_PASSWORDS=off"), ""},
		"no way in":                      {[]string{"AUTH_PASSWORDS=off"}, "AUTH_PASSWORDS"},
		"public URL with a path":         {[]string{"PUBLIC_URL=https://example.org/legwork"}, "PUBLIC_URL"},
		"public URL with a user":         {[]string{"PUBLIC_URL=https://u:p@example.org"}, "PUBLIC_URL"},
		"groups":                         {append(openID, "OIDC_ROLES=owner=chiefs, member=all of us"), ""},
		"groups with an unknown role":    {append(openID, "OIDC_ROLES=boss=chiefs"), "OIDC_ROLES"},
		"groups without a group":         {append(openID, "OIDC_ROLES=admin="), "OIDC_ROLES"},
		"everybody an owner":             {append(openID, "OIDC_DEFAULT_ROLE=owner"), "OIDC_DEFAULT_ROLE"},
		"everybody a viewer":             {append(openID, "OIDC_DEFAULT_ROLE=Viewer"), ""},
		"a domain with a scheme":         {append(openID, "OIDC_ALLOWED_DOMAINS=https://example.org"), "OIDC_ALLOWED_DOMAINS"},
		"tokens":                         {tokens, ""},
		"tokens without audience":        {tokens[:2], "AUTH_JWT_AUDIENCE"},
		"tokens without issuer":          {[]string{tokens[0], tokens[2]}, "AUTH_JWT_ISSUER"},
		"tokens without keys":            {tokens[1:2], "AUTH_JWT_ISSUER"},
		"tokens without TLS":             {append(tokens, "AUTH_JWKS_URL=http://10.0.0.1/keys"), "AUTH_JWKS_URL"},
		"sessions that never end":        {[]string{"SESSION_LIFETIME=100000h"}, "SESSION_LIFETIME"},
		"idle for longer than they last": {[]string{"SESSION_LIFETIME=1h", "SESSION_IDLE=2h"}, "SESSION_LIFETIME"},
	} {
		_, err := Load(c.environ, "")
		if c.wrong == "" {
			require.NoError(t, err, name)
			continue
		}
		var list *Error
		require.ErrorAs(t, err, &list, name)
		require.Len(t, list.Problems, 1, name)
		assert.Equal(t, c.wrong, list.Problems[0].Variable, name)
	}
}

func TestGroupRoles(t *testing.T) {
	t.Parallel()
	c := Config{OIDCRoles: []string{"admin=Chiefs=A", "member = all of us"}}
	assert.Equal(t, []GroupRole{{Group: "Chiefs=A", Role: "admin"}, {Group: "all of us", Role: "member"}}, c.GroupRoles())
}
