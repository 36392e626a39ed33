package logins

import (
	"context"

	"legwork/api"
	"legwork/internal/access"
	"legwork/internal/httpapi/problem"
)

// metadataPath is the path of a document that tells clients which issuer's tokens this server accepts (RFC 9728 §3).
const metadataPath = "/.well-known/oauth-protected-resource"

var errNoTokens = &problem.Problem{Status: errNotFound.Status, Code: errNotFound.Code,
	Message: "This server takes no tokens of an issuer (AUTH_JWKS_URL); use an API key."}

// Challenge returns the value of the WWW-Authenticate header in an answer with status 401 (RFC 6750 §3, RFC 9728 §5.1).
func (c Config) Challenge() string {
	if c.Issuer == "" || c.PublicURL == "" {
		return "Bearer"
	}
	return `Bearer resource_metadata="` + c.PublicURL + metadataPath + `"`
}

// GetProtectedResource implements api.StrictServerInterface.
func (o *Operations) GetProtectedResource(context.Context, api.GetProtectedResourceRequestObject) (api.GetProtectedResourceResponseObject, error) {
	if o.Issuer == "" {
		return nil, errNoTokens
	}
	out := api.GetProtectedResource200JSONResponse{Resource: o.Audience, AuthorizationServers: []string{o.Issuer},
		BearerMethodsSupported: []string{"header"}, ScopesSupported: make([]api.Scope, len(access.Scopes)), ResourceName: "legwork"}
	for i, s := range access.Scopes {
		out.ScopesSupported[i] = api.Scope(s)
	}
	return out, nil
}
