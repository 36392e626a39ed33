package openid

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"legwork/internal/auth/token"
	"legwork/internal/research"
)

// Errors of a login. Errors that wrap them have details, which are for the server's log only.
var (
	// ErrProvider means that the provider does not answer, or breaks the rules of OpenID Connect. Try again later.
	ErrProvider = errors.New("the OpenID provider does not answer as it should")
	// ErrRefused means that the provider, or the person there, refused the login.
	ErrRefused = errors.New("the OpenID provider refused the login")
	// ErrForged means that the answer does not belong to the login that this browser began, or that its token is not genuine.
	ErrForged = errors.New("the answer does not belong to this login")
)

const (
	requestTimeout = 10 * time.Second
	maxAnswer      = 1 << 20 // bytes of one answer of the provider
	maxCode        = 4 << 10 // bytes of an authorization code
	maxGroups      = 1000
)

// Config names the provider and this server's registration with it.
type Config struct {
	Issuer       string
	ClientID     string
	ClientSecret string // empty for a public client
	RedirectURL  string
	Scopes       []string // the scope openid is added if it is missing
	GroupsClaim  string
	Transport    http.RoundTripper // nil means http.DefaultTransport
}

// Pending holds the values against which the answer of a login is checked. They must be used for one answer only.
type Pending struct {
	State    string `json:"state"`
	Nonce    string `json:"nonce"`
	Verifier string `json:"verifier"`
}

// Identity is what the provider says about a person.
type Identity struct {
	Issuer        string
	Subject       string
	Email         string // lower case; empty when the provider does not say it or has not verified it
	Name          string
	Groups        []string
	GroupsOmitted bool // whether the provider sent no claim with groups
}

// Provider logs persons in at an OpenID provider. It is safe for concurrent use.
type Provider struct {
	cfg    Config
	client *http.Client

	mu    sync.Mutex // held while the provider is being discovered
	found *oidc.Provider
}

// New returns a Provider. It makes no request yet.
func New(cfg Config) *Provider {
	if cfg.Transport == nil {
		cfg.Transport = http.DefaultTransport
	}
	client := &http.Client{Timeout: requestTimeout, Transport: bounded{cfg.Transport}}
	return &Provider{cfg: cfg, client: client}
}

// discover returns the addresses and keys of the provider. It requests them at the first call, and again until a
// request has succeeded.
func (p *Provider) discover(ctx context.Context) (*oidc.Provider, *oauth2.Config, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found == nil {
		// The context must not end with the request, because go-oidc keeps it to fetch keys later.
		found, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), p.client), p.cfg.Issuer)
		if err != nil {
			return nil, nil, fmt.Errorf("%w: %w", ErrProvider, err)
		}
		p.found = found
	}
	scopes := []string{oidc.ScopeOpenID}
	for _, s := range p.cfg.Scopes {
		if s != oidc.ScopeOpenID {
			scopes = append(scopes, s)
		}
	}
	return p.found, &oauth2.Config{ClientID: p.cfg.ClientID, ClientSecret: p.cfg.ClientSecret, RedirectURL: p.cfg.RedirectURL,
		Endpoint: p.found.Endpoint(), Scopes: scopes}, nil
}

// Begin starts a login. The caller redirects the browser to address. Finish checks the answer that the browser brings
// back.
func (p *Provider) Begin(ctx context.Context) (address string, pending Pending, err error) {
	_, client, err := p.discover(ctx)
	if err != nil {
		return "", Pending{}, err
	}
	pending = Pending{State: string(token.NewSecret()), Nonce: string(token.NewSecret()), Verifier: oauth2.GenerateVerifier()}
	return client.AuthCodeURL(pending.State, oidc.Nonce(pending.Nonce), oauth2.S256ChallengeOption(pending.Verifier)), pending, nil
}

// Answer holds the parameters with which the provider redirected the browser back.
type Answer struct {
	State, Code, Error string
}

// Finish checks the answer to a login, and returns the identity of the person.
func (p *Provider) Finish(ctx context.Context, pending Pending, a Answer) (Identity, error) {
	if pending.State == "" || subtle.ConstantTimeCompare([]byte(pending.State), []byte(a.State)) != 1 {
		return Identity{}, fmt.Errorf("%w: state", ErrForged)
	}
	if a.Error != "" {
		return Identity{}, fmt.Errorf("%w: %s", ErrRefused, research.Truncate(a.Error, 200))
	}
	if a.Code == "" || len(a.Code) > maxCode {
		return Identity{}, fmt.Errorf("%w: no code", ErrForged)
	}
	provider, client, err := p.discover(ctx)
	if err != nil {
		return Identity{}, err
	}
	ctx = oidc.ClientContext(ctx, p.client)
	tokens, err := client.Exchange(ctx, a.Code, oauth2.VerifierOption(pending.Verifier))
	var refused *oauth2.RetrieveError
	switch {
	case errors.As(err, &refused) && refused.Response != nil && refused.Response.StatusCode < http.StatusInternalServerError:
		return Identity{}, fmt.Errorf("%w: %s", ErrForged, refused.ErrorCode)
	case err != nil:
		return Identity{}, fmt.Errorf("%w: %w", ErrProvider, err)
	}
	raw, _ := tokens.Extra("id_token").(string)
	if raw == "" {
		return Identity{}, fmt.Errorf("%w: it sent no ID token", ErrProvider)
	}
	id, err := provider.VerifierContext(ctx, &oidc.Config{ClientID: p.cfg.ClientID, SupportedSigningAlgs: []string{oidc.RS256, oidc.ES256, oidc.EdDSA}}).Verify(ctx, raw)
	if err != nil {
		return Identity{}, fmt.Errorf("%w: %w", ErrForged, err)
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(pending.Nonce)) != 1 {
		return Identity{}, fmt.Errorf("%w: nonce", ErrForged)
	}
	claims := map[string]any{}
	if err := id.Claims(&claims); err != nil {
		return Identity{}, fmt.Errorf("%w: %w", ErrProvider, err)
	}
	p.complete(ctx, provider, tokens, id.Subject, claims)
	return p.identity(id.Issuer, id.Subject, claims)
}

// complete adds claims that the ID token lacks, from the userinfo endpoint, where many providers put e-mail address
// and groups. It adds nothing if that endpoint does not answer, or answers for another subject.
func (p *Provider) complete(ctx context.Context, provider *oidc.Provider, tokens *oauth2.Token, subject string, claims map[string]any) {
	_, hasEmail := claims["email"]
	_, hasGroups := claims[p.cfg.GroupsClaim]
	if hasEmail && hasGroups || provider.UserInfoEndpoint() == "" {
		return
	}
	info, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(tokens))
	if err != nil || info.Subject != subject {
		return
	}
	more := map[string]any{}
	if info.Claims(&more) != nil {
		return
	}
	if !hasEmail { // both claims must come from the same answer
		claims["email"], claims["email_verified"] = more["email"], more["email_verified"]
	}
	for _, name := range []string{"name", p.cfg.GroupsClaim} {
		if _, has := claims[name]; !has && more[name] != nil {
			claims[name] = more[name]
		}
	}
}

// identity returns the identity that the claims describe, with texts and lists of bounded size.
func (p *Provider) identity(issuer, subject string, claims map[string]any) (Identity, error) {
	if subject == "" || len(subject) > 255 {
		return Identity{}, fmt.Errorf("%w: its subject is empty or too long", ErrProvider)
	}
	out := Identity{Issuer: issuer, Subject: subject, Name: research.Truncate(str(claims["name"]), 200)}
	verified := claims["email_verified"] == true || claims["email_verified"] == "true" // some providers send a string
	if email := strings.ToLower(str(claims["email"])); verified && len(email) <= 254 && strings.Count(email, "@") == 1 {
		out.Email = email
	}
	switch groups := claims[p.cfg.GroupsClaim].(type) {
	case string:
		out.Groups = []string{groups}
	case []any:
		for _, g := range groups[:min(len(groups), maxGroups)] {
			if name := str(g); name != "" {
				out.Groups = append(out.Groups, name)
			}
		}
	default:
		out.GroupsOmitted = true
	}
	return out, nil
}

func str(v any) string {
	s, _ := v.(string)
	return s
}

// bounded is an http.RoundTripper that cuts response bodies at maxAnswer bytes, so that parsing a larger response
// fails.
type bounded struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.next.RoundTrip(r)
	if err == nil {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, maxAnswer), resp.Body}
	}
	return resp, err
}
