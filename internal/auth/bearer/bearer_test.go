package bearer

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"legwork/internal/access"
	"legwork/internal/auth"
	"legwork/internal/research"
)

const (
	testIssuer   = "https://id.example.org"
	testAudience = "https://research.example.org"
)

// issuer is a server that publishes a set of keys.
type issuer struct {
	*httptest.Server
	fetches atomic.Int64
	mu      sync.Mutex
	body    []byte
	status  int
}

func newIssuer(t *testing.T, keys ...jose.JSONWebKey) *issuer {
	t.Helper()
	i := &issuer{status: http.StatusOK}
	i.publish(t, keys...)
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		i.fetches.Add(1)
		i.mu.Lock()
		defer i.mu.Unlock()
		w.WriteHeader(i.status)
		_, _ = w.Write(i.body)
	}))
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) publish(t *testing.T, keys ...jose.JSONWebKey) {
	t.Helper()
	body, err := json.Marshal(jose.JSONWebKeySet{Keys: keys})
	require.NoError(t, err)
	i.answer(http.StatusOK, body)
}

func (i *issuer) answer(status int, body []byte) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.status, i.body = status, body
}

// clock is a clock that tests set.
type clock struct{ at atomic.Int64 }

func (c *clock) now() time.Time          { return time.Unix(c.at.Load(), 0) }
func (c *clock) advance(d time.Duration) { c.at.Add(int64(d / time.Second)) }

func verifier(t *testing.T, i *issuer) (*Verifier, *clock) {
	t.Helper()
	v := New(Config{JWKSURL: i.URL, Issuer: testIssuer, Audience: testAudience, AccountClaim: "account", Logger: slog.New(slog.DiscardHandler)})
	c := &clock{}
	c.at.Store(time.Now().Unix())
	v.now, v.keys.now = c.now, c.now
	return v, c
}

func ecKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return key
}

func public(kid string, key any) jose.JSONWebKey {
	return jose.JSONWebKey{Key: key, KeyID: kid, Use: "sig"}
}

// sign creates a token. edit changes its claims; the value nil removes a claim.
func sign(t *testing.T, alg jose.SignatureAlgorithm, key any, kid string, edit map[string]any) string {
	t.Helper()
	opts := (&jose.SignerOptions{}).WithType("at+jwt")
	if kid != "" {
		opts = opts.WithHeader("kid", kid)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, opts)
	require.NoError(t, err)
	now := time.Now().Unix()
	claims := map[string]any{"iss": testIssuer, "aud": []string{testAudience}, "sub": "robot-7", "iat": now, "exp": now + 300, "scope": "openid tasks:write library:read", "account": "acme"}
	for name, value := range edit {
		if value == nil {
			delete(claims, name)
		} else {
			claims[name] = value
		}
	}
	raw, err := jwt.Signed(signer).Claims(claims).Serialize()
	require.NoError(t, err)
	return raw
}

func TestVerify(t *testing.T) {
	t.Parallel()
	ec := ecKey(t)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	edPublic, ed, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	i := newIssuer(t, public("ec", &ec.PublicKey), public("rsa", &rsaKey.PublicKey), public("ed", edPublic))
	v, _ := verifier(t, i)
	for name, raw := range map[string]string{
		"ES256": sign(t, jose.ES256, ec, "ec", nil),
		"RS256": sign(t, jose.RS256, rsaKey, "rsa", nil),
		"EdDSA": sign(t, jose.EdDSA, ed, "ed", nil),
	} {
		claims, err := v.Verify(t.Context(), raw)
		require.NoError(t, err, name)
		assert.Equal(t, "robot-7", claims.Subject)
		assert.Equal(t, "acme", claims.Account)
		assert.Equal(t, []access.Scope{access.TasksWrite, access.LibraryRead}, claims.Scopes, "scopes of others are left out")
		assert.WithinDuration(t, time.Now().Add(5*time.Minute), claims.ExpiresAt, time.Minute)
	}
	assert.EqualValues(t, 1, i.fetches.Load(), "keys are cached")

	scp, err := v.Verify(t.Context(), sign(t, jose.ES256, ec, "ec", map[string]any{"scope": nil, "scp": []string{"admin"}, "account": nil}))
	require.NoError(t, err)
	assert.Equal(t, []access.Scope{access.AdminScope}, scp.Scopes)
	assert.Empty(t, scp.Account)
}

func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	ec, stranger := ecKey(t), ecKey(t)
	weak, err := rsa.GenerateKey(rand.Reader, 1024) // weak on purpose
	require.NoError(t, err)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	require.NoError(t, err)
	forEncryption := public("enc", &ec.PublicKey)
	forEncryption.Use = "enc"
	onlyPS := public("ps", &rsaKey.PublicKey)
	onlyPS.Algorithm = "PS256"
	secret := jose.JSONWebKey{Key: []byte("a secret that everybody can read"), KeyID: "hmac"}
	i := newIssuer(t, public("ec", &ec.PublicKey), public("weak", &weak.PublicKey), public("p384", &p384.PublicKey), forEncryption, onlyPS, secret)
	v, _ := verifier(t, i)
	good := sign(t, jose.ES256, ec, "ec", nil)
	_, err = v.Verify(t.Context(), good)
	require.NoError(t, err)
	now := time.Now().Unix()
	with := func(edit map[string]any) string { return sign(t, jose.ES256, ec, "ec", edit) }
	parts := strings.Split(good, ".")

	for name, raw := range map[string]string{
		"empty":                   "",
		"no JWT":                  "ey.ey.ey",
		"huge":                    good + strings.Repeat("A", maxToken),
		"no signature":            parts[0] + "." + parts[1] + ".",
		"alg none":                "eyJhbGciOiJub25lIiwia2lkIjoiZWMifQ." + parts[1] + ".",
		"foreign signature":       sign(t, jose.ES256, stranger, "ec", nil),
		"unknown kid":             sign(t, jose.ES256, stranger, "other", nil),
		"no kid":                  sign(t, jose.ES256, ec, "", nil),
		"symmetric":               sign(t, jose.HS256, []byte("a secret that everybody can read"), "hmac", nil),
		"weak key":                sign(t, jose.RS256, weak, "weak", nil),
		"another curve":           sign(t, jose.ES384, p384, "p384", nil),
		"key for encryption":      sign(t, jose.ES256, ec, "enc", nil),
		"key for another alg":     sign(t, jose.RS256, rsaKey, "ps", nil),
		"another issuer":          with(map[string]any{"iss": "https://evil.example"}),
		"no issuer":               with(map[string]any{"iss": nil}),
		"another audience":        with(map[string]any{"aud": "https://other.example"}),
		"no audience":             with(map[string]any{"aud": nil}),
		"expired":                 with(map[string]any{"exp": now - 60}),
		"never expires":           with(map[string]any{"exp": nil}),
		"not yet valid":           with(map[string]any{"nbf": now + 120}),
		"issued in the future":    with(map[string]any{"iat": now + 120}),
		"no subject":              with(map[string]any{"sub": nil}),
		"huge subject":            with(map[string]any{"sub": strings.Repeat("s", maxSubject+1)}),
		"no scope of ours":        with(map[string]any{"scope": "openid profile"}),
		"no scope":                with(map[string]any{"scope": nil}),
		"account of another type": with(map[string]any{"account": 7}),
	} {
		_, err := v.Verify(t.Context(), raw)
		assert.ErrorIs(t, err, ErrInvalid, name)
	}
	_, err = v.Verify(t.Context(), with(map[string]any{"exp": now - 10, "nbf": now + 10}))
	assert.NoError(t, err, "clocks may differ by half a minute")
}

// TestUnknownKeys checks the limit on requests for keys: without it, each token with a new kid would cause a request
// to the issuer.
func TestUnknownKeys(t *testing.T) {
	t.Parallel()
	first, second := ecKey(t), ecKey(t)
	i := newIssuer(t, public("1", &first.PublicKey))
	v, c := verifier(t, i)
	for _, kid := range []string{"x", "y", "z"} {
		_, err := v.Verify(t.Context(), sign(t, jose.ES256, second, kid, nil))
		require.ErrorIs(t, err, ErrInvalid)
	}
	assert.EqualValues(t, 1, i.fetches.Load())

	i.publish(t, public("2", &second.PublicKey))
	rotated := sign(t, jose.ES256, second, "2", nil)
	_, err := v.Verify(t.Context(), rotated)
	require.ErrorIs(t, err, ErrInvalid)
	c.advance(retryAfter)
	_, err = v.Verify(t.Context(), rotated)
	require.NoError(t, err, "a new key counts a minute later at the latest")
	_, err = v.Verify(t.Context(), sign(t, jose.ES256, first, "1", nil))
	require.ErrorIs(t, err, ErrInvalid, "a key that was withdrawn does not count any more")
	assert.EqualValues(t, 2, i.fetches.Load())
}

func TestAnIssuerThatIsDown(t *testing.T) {
	t.Parallel()
	key := ecKey(t)
	i := newIssuer(t, public("1", &key.PublicKey))
	v, c := verifier(t, i)
	token := func() string { // valid at the time of the clock
		at := c.now().Unix()
		return sign(t, jose.ES256, key, "1", map[string]any{"iat": at, "exp": at + 300})
	}
	i.answer(http.StatusBadGateway, nil)
	_, err := v.Verify(t.Context(), token())
	require.ErrorIs(t, err, ErrNoKeys, "nothing counts without keys")

	i.publish(t, public("1", &key.PublicKey))
	c.advance(retryAfter)
	_, err = v.Verify(t.Context(), token())
	require.NoError(t, err)

	i.answer(http.StatusOK, []byte(strings.Repeat("x", maxKeySet+1)))
	c.advance(maxAge - time.Minute)
	_, err = v.Verify(t.Context(), token())
	require.NoError(t, err, "cached keys count while the issuer is down")
	require.Eventually(t, func() bool { return i.fetches.Load() == 3 }, 10*time.Second, time.Millisecond, "old keys are fetched again meanwhile")
	c.advance(2 * time.Minute)
	_, err = v.Verify(t.Context(), token())
	require.ErrorIs(t, err, ErrNoKeys, "but not for ever")
}

func TestMethod(t *testing.T) {
	t.Parallel()
	key := ecKey(t)
	i := newIssuer(t, public("1", &key.PublicKey))
	v, c := verifier(t, i)
	m := Method{Verifier: v, Log: slog.New(slog.DiscardHandler), AccountExists: func(_ context.Context, id string) (bool, error) {
		return id == "acme" || id == research.DefaultAccount, nil
	}}
	raw := sign(t, jose.ES256, key, "1", nil)
	r := httptest.NewRequest(http.MethodGet, "/api/tasks", nil)
	_, found := m.Credential(r)
	assert.False(t, found)
	r.Header.Set("Authorization", "Bearer lw_0123456789abcdef_x")
	_, found = m.Credential(r)
	assert.False(t, found, "API keys are not for this method")
	r.Header.Set("Authorization", "bearer "+raw)
	got, found := m.Credential(r)
	require.True(t, found)

	grant, err := m.Check(t.Context(), got)
	require.NoError(t, err)
	assert.Equal(t, access.ByToken, grant.Principal.Kind)
	assert.Equal(t, "acme", grant.Principal.AccountID)
	assert.Equal(t, access.Member, grant.Principal.Role)
	assert.Nil(t, grant.Principal.UserID)

	grant, err = m.Check(t.Context(), sign(t, jose.ES256, key, "1", map[string]any{"account": nil, "scope": "admin"}))
	require.NoError(t, err)
	assert.Equal(t, research.DefaultAccount, grant.Principal.AccountID)
	assert.Equal(t, access.Admin, grant.Principal.Role)

	var rejected *auth.Rejected
	_, err = m.Check(t.Context(), sign(t, jose.ES256, key, "1", map[string]any{"account": "other"}))
	require.ErrorAs(t, err, &rejected)
	_, err = m.Check(t.Context(), raw+"x")
	require.ErrorAs(t, err, &rejected)
	i.answer(http.StatusBadGateway, nil)
	c.advance(2 * maxAge)
	_, err = m.Check(t.Context(), raw)
	require.ErrorIs(t, err, research.ErrUnavailable)
}

func FuzzVerify(f *testing.F) {
	v := New(Config{JWKSURL: "http://127.0.0.1:1", Issuer: testIssuer, Audience: testAudience, AccountClaim: "account", Logger: slog.New(slog.DiscardHandler)})
	v.keys.fetched, v.keys.tried = time.Now().Add(time.Hour), time.Now().Add(time.Hour) // so that the verifier makes no request and knows no key
	f.Add("eyJhbGciOiJub25lIiwia2lkIjoiZWMifQ.e30.")
	f.Add("eyJhbGciOiJFUzI1NiIsImtpZCI6IjEifQ.e30.AAAA")
	f.Fuzz(func(t *testing.T, raw string) {
		if _, err := v.Verify(t.Context(), raw); err == nil {
			t.Fatalf("accepted: %q", raw)
		}
	})
}

func FuzzKeySet(f *testing.F) {
	f.Add([]byte(`{"keys":[{"kty":"EC","kid":"1","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}`))
	f.Add([]byte(`{"keys":[{"kty":"oct","kid":"1","k":"AAAA"},{"kty":"RSA","kid":"2","n":"AQ","e":"AQAB"}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		keys, err := parseKeys(body)
		if err == nil && len(keys) > maxKeys {
			t.Fatal("too many keys")
		}
		for kid, key := range keys {
			if kid == "" || !strong(key.Key) {
				t.Fatalf("a key that must not count: %q", kid)
			}
		}
	})
}
