package openid_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"legwork/internal/auth/openid"
	"legwork/internal/auth/openid/openidtest"
)

const redirectURL = "http://localhost:8000/api/auth/openid/callback"

func setup(t *testing.T) (*openidtest.Provider, openid.Config) {
	t.Helper()
	t.Parallel()
	p := openidtest.New(t, redirectURL)
	p.Add("ada", openidtest.Person{Email: "Ada@Example.org", Verified: true, Name: "Ada Lovelace", Groups: []string{"staff", "chiefs"}})
	return p, openid.Config{Issuer: p.Issuer, ClientID: openidtest.ClientID, ClientSecret: openidtest.ClientSecret, RedirectURL: redirectURL,
		Scopes: []string{"openid", "email", "profile"}, GroupsClaim: "groups"}
}

// answer returns the parameters with which the provider sends the browser back after a login.
func answer(t *testing.T, p *openidtest.Provider, address, person string) openid.Answer {
	t.Helper()
	back := p.LogIn(t, address, person)
	require.True(t, strings.HasPrefix(back.String(), redirectURL), back)
	return openid.Answer{State: back.Query().Get("state"), Code: back.Query().Get("code"), Error: back.Query().Get("error")}
}

func TestLogin(t *testing.T) {
	p, cfg := setup(t)
	provider := openid.New(cfg)
	address, pending, err := provider.Begin(t.Context())
	require.NoError(t, err)
	query, err := url.ParseQuery(address[strings.Index(address, "?")+1:])
	require.NoError(t, err)
	assert.Equal(t, "S256", query.Get("code_challenge_method"))
	assert.NotContains(t, address, pending.Verifier, "the verifier stays here")

	who, err := provider.Finish(t.Context(), pending, answer(t, p, address, "ada"))
	require.NoError(t, err)
	assert.Equal(t, openid.Identity{Issuer: p.Issuer, Subject: "ada", Email: "ada@example.org", Name: "Ada Lovelace", Groups: []string{"staff", "chiefs"}}, who)

	p.Add("bob", openidtest.Person{Email: "bob@example.org", Name: "Bob"})
	address, pending, err = provider.Begin(t.Context())
	require.NoError(t, err)
	who, err = provider.Finish(t.Context(), pending, answer(t, p, address, "bob"))
	require.NoError(t, err)
	assert.Equal(t, openid.Identity{Issuer: p.Issuer, Subject: "bob", Name: "Bob", GroupsOmitted: true}, who, "an address that was not verified does not count")
}

func TestFinishRefuses(t *testing.T) {
	p, cfg := setup(t)
	provider := openid.New(cfg)
	begin := func() (openid.Pending, openid.Answer) {
		address, pending, err := provider.Begin(t.Context())
		require.NoError(t, err)
		return pending, answer(t, p, address, "ada")
	}
	pending, good := begin()
	other, _ := begin()

	for name, c := range map[string]struct {
		pending openid.Pending
		answer  openid.Answer
		want    error
	}{
		"no state":             {pending, openid.Answer{Code: good.Code}, openid.ErrForged},
		"another state":        {pending, openid.Answer{Code: good.Code, State: other.State}, openid.ErrForged},
		"nothing pending":      {openid.Pending{}, openid.Answer{Code: good.Code}, openid.ErrForged},
		"no code":              {pending, openid.Answer{State: pending.State}, openid.ErrForged},
		"huge code":            {pending, openid.Answer{State: pending.State, Code: strings.Repeat("x", 5000)}, openid.ErrForged},
		"invented code":        {pending, openid.Answer{State: pending.State, Code: "invented"}, openid.ErrForged},
		"refused":              {pending, openid.Answer{State: pending.State, Error: "access_denied"}, openid.ErrRefused},
		"code of another one":  {openid.Pending{State: good.State, Nonce: other.Nonce, Verifier: other.Verifier}, good, openid.ErrForged},
		"refused, no state":    {pending, openid.Answer{Error: "access_denied"}, openid.ErrForged},
		"state of another one": {other, good, openid.ErrForged},
	} {
		_, err := provider.Finish(t.Context(), c.pending, c.answer)
		assert.ErrorIs(t, err, c.want, name)
	}

	// The code and the verifier are correct, but the login has another nonce, as if the ID token belonged to
	// somebody else's login.
	pending, good = begin()
	pending.Nonce = other.Nonce
	_, err := provider.Finish(t.Context(), pending, good)
	require.ErrorIs(t, err, openid.ErrForged)
	assert.Contains(t, err.Error(), "nonce")

	pending, good = begin()
	_, err = provider.Finish(t.Context(), pending, good)
	require.NoError(t, err)
	_, err = provider.Finish(t.Context(), pending, good)
	require.ErrorIs(t, err, openid.ErrForged, "a code counts once")
}

func TestAProviderThatIsDown(t *testing.T) {
	p, cfg := setup(t)
	p.Down(true)
	provider := openid.New(cfg)
	_, _, err := provider.Begin(t.Context())
	require.ErrorIs(t, err, openid.ErrProvider)
	p.Down(false)
	address, pending, err := provider.Begin(t.Context())
	require.NoError(t, err, "it is asked again")
	back := answer(t, p, address, "ada")
	p.Down(true)
	_, err = provider.Finish(t.Context(), pending, back)
	require.ErrorIs(t, err, openid.ErrProvider)
}

// TestAnotherIssuer checks that the discovery document is refused if it names another issuer than the configured one.
func TestAnotherIssuer(t *testing.T) {
	_, cfg := setup(t)
	cfg.Issuer = strings.Replace(cfg.Issuer, "127.0.0.1", "localhost", 1)
	_, _, err := openid.New(cfg).Begin(t.Context())
	require.ErrorIs(t, err, openid.ErrProvider)
}

// endless is an http.RoundTripper that answers every request with a body without end.
type endless struct{}

func (e endless) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: e, Request: r}, nil
}
func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = ' '
	}
	return len(b), nil
}
func (endless) Close() error { return nil }

// TestAnswersAreBounded checks that an endless response is cut off. Without the bound it would not end.
func TestAnswersAreBounded(t *testing.T) {
	_, cfg := setup(t)
	cfg.Transport = endless{}
	_, _, err := openid.New(cfg).Begin(t.Context())
	require.ErrorIs(t, err, openid.ErrProvider)
}
