package bearer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"legwork/internal/access"
)

// ErrInvalid means that a token is not accepted. Errors that wrap it say why, for the server's log only.
var ErrInvalid = errors.New("the access token is not valid")

// ErrNoKeys means that the issuer's keys could not be fetched. Try again later.
var ErrNoKeys = errors.New("the keys of the token's issuer cannot be fetched (AUTH_JWKS_URL)")

// maxToken is the greatest length of a token in bytes, and maxSubject the greatest length of its subject.
const maxToken, maxSubject = 8 << 10, 255

// leeway is how much the clocks of issuer and server may differ.
const leeway = 30 * time.Second

// Config says which tokens are accepted.
type Config struct {
	JWKSURL      string
	Issuer       string
	Audience     string
	AccountClaim string       // the claim that names the account
	Client       *http.Client // nil means a client with a timeout
	Logger       *slog.Logger
}

// Claims has the claims of a valid token.
type Claims struct {
	Subject   string
	Account   string // empty if the token has no account claim
	Scopes    []access.Scope
	ExpiresAt time.Time
}

// Verifier checks tokens. It is safe for concurrent use.
type Verifier struct {
	cfg  Config
	keys *keySet
	now  func() time.Time
}

// New returns a Verifier. It fetches the keys when it checks the first token.
func New(cfg Config) *Verifier {
	if cfg.Client == nil {
		cfg.Client = &http.Client{Timeout: fetchTimeout}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	return &Verifier{cfg: cfg, keys: newKeySet(cfg.JWKSURL, cfg.Client, cfg.Logger), now: time.Now}
}

// LooksLikeToken reports whether a bearer credential has the form of a signed JWT: three parts with dots between them.
func LooksLikeToken(credential string) bool {
	return len(credential) <= maxToken && strings.Count(credential, ".") == 2 && strings.HasPrefix(credential, "ey")
}

// algorithms returns the signature algorithms that are accepted.
func algorithms() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.EdDSA}
}

// Verify checks a token and returns its claims. The error wraps ErrInvalid or ErrNoKeys.
func (v *Verifier) Verify(ctx context.Context, raw string) (Claims, error) {
	if len(raw) > maxToken {
		return Claims{}, fmt.Errorf("%w: longer than %d bytes", ErrInvalid, maxToken)
	}
	token, err := jwt.ParseSigned(raw, algorithms())
	if err != nil {
		return Claims{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if len(token.Headers) != 1 || token.Headers[0].KeyID == "" {
		return Claims{}, fmt.Errorf("%w: it needs one signature with a kid", ErrInvalid)
	}
	header := token.Headers[0]
	if typ, _ := header.ExtraHeaders[jose.HeaderType].(string); typ != "" && !slices.Contains([]string{"jwt", "at+jwt", "application/at+jwt"}, strings.ToLower(typ)) {
		return Claims{}, fmt.Errorf("%w: its typ is no access token's", ErrInvalid)
	}
	key, err := v.keys.find(ctx, header.KeyID, header.Algorithm)
	if err != nil {
		return Claims{}, err
	}
	var standard jwt.Claims
	var own map[string]json.RawMessage
	if err := token.Claims(key, &standard, &own); err != nil {
		return Claims{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return v.judge(standard, own)
}

// judge checks the claims of a token whose signature is valid.
func (v *Verifier) judge(standard jwt.Claims, own map[string]json.RawMessage) (Claims, error) {
	expected := jwt.Expected{Issuer: v.cfg.Issuer, AnyAudience: jwt.Audience{v.cfg.Audience}, Time: v.now()}
	if err := standard.ValidateWithLeeway(expected, leeway); err != nil {
		return Claims{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if standard.Expiry == nil {
		return Claims{}, fmt.Errorf("%w: it never expires (exp)", ErrInvalid)
	}
	if standard.Subject == "" || len(standard.Subject) > maxSubject {
		return Claims{}, fmt.Errorf("%w: it needs a subject (sub) of at most %d bytes", ErrInvalid, maxSubject)
	}
	account, err := text(own[v.cfg.AccountClaim])
	if err != nil {
		return Claims{}, fmt.Errorf("%w: the claim %s is no string", ErrInvalid, v.cfg.AccountClaim)
	}
	scopes := scopesOf(own)
	if len(scopes) == 0 {
		return Claims{}, fmt.Errorf("%w: it has no scope of this server", ErrInvalid)
	}
	return Claims{Subject: standard.Subject, Account: account, Scopes: scopes, ExpiresAt: standard.Expiry.Time()}, nil
}

func text(raw json.RawMessage) (s string, err error) {
	if raw == nil {
		return "", nil
	}
	err = json.Unmarshal(raw, &s)
	return s, err
}

// scopesOf returns the scopes that this server knows. Issuers put scopes into the claim scope (RFC 8693 §4.2: words
// in a string) or scp (words in a string, or a list).
func scopesOf(claims map[string]json.RawMessage) []access.Scope {
	var named []string
	for _, claim := range []string{"scope", "scp"} {
		if s, err := text(claims[claim]); err == nil {
			named = append(named, strings.Fields(s)...)
			continue
		}
		var list []string
		if json.Unmarshal(claims[claim], &list) == nil {
			named = append(named, list...)
		}
	}
	var out []access.Scope
	for _, known := range access.Scopes {
		if slices.Contains(named, string(known)) {
			out = append(out, known)
		}
	}
	return out
}
