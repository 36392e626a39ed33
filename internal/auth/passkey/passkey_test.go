package passkey

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/descope/virtualwebauthn"
	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const origin = "https://research.example.org"

// device is a simulated phone with one passkey.
type device struct {
	*testing.T
	rp            virtualwebauthn.RelyingParty
	authenticator virtualwebauthn.Authenticator
	credential    virtualwebauthn.Credential
}

func newDevice(t *testing.T, person uuid.UUID, change ...func(*virtualwebauthn.AuthenticatorOptions)) *device {
	t.Helper()
	options := virtualwebauthn.AuthenticatorOptions{UserHandle: person[:]}
	for _, c := range change {
		c(&options)
	}
	return &device{T: t, rp: virtualwebauthn.RelyingParty{ID: "research.example.org", Name: "legwork", Origin: origin},
		authenticator: virtualwebauthn.NewAuthenticatorWithOptions(options), credential: virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)}
}

func (d *device) register(options any) json.RawMessage {
	d.Helper()
	text, err := json.Marshal(options)
	require.NoError(d, err)
	parsed, err := virtualwebauthn.ParseAttestationOptions(string(text))
	require.NoError(d, err)
	d.authenticator.AddCredential(d.credential)
	return json.RawMessage(virtualwebauthn.CreateAttestationResponse(d.rp, d.authenticator, d.credential, *parsed))
}

func (d *device) logIn(options any) json.RawMessage {
	d.Helper()
	text, err := json.Marshal(options)
	require.NoError(d, err)
	parsed, err := virtualwebauthn.ParseAssertionOptions(string(text))
	require.NoError(d, err)
	return json.RawMessage(virtualwebauthn.CreateAssertionResponse(d.rp, d.authenticator, d.credential, *parsed))
}

func setup(t *testing.T) (*Passkeys, Person) {
	t.Helper()
	t.Parallel()
	k, err := New(origin)
	require.NoError(t, err)
	return k, Person{ID: uuid.New(), Email: "ada@example.org", Name: "Ada"}
}

// registered returns a device whose passkey was registered for a person.
func registered(t *testing.T, k *Passkeys, p *Person) *device {
	t.Helper()
	d := newDevice(t, p.ID)
	options, pending, err := k.BeginRegistration(*p)
	require.NoError(t, err)
	made, err := k.FinishRegistration(*p, pending, d.register(options))
	require.NoError(t, err)
	p.Passkeys = append(p.Passkeys, made)
	return d
}

func TestRegisterAndLogIn(t *testing.T) {
	k, ada := setup(t)
	d := registered(t, k, &ada)
	find := func(id uuid.UUID) (Person, error) {
		if id != ada.ID {
			return Person{}, errors.New("nobody")
		}
		return ada, nil
	}
	options, pending, err := k.BeginLogin()
	require.NoError(t, err)
	d.credential.Counter = 1
	who, used, err := k.FinishLogin(find, pending, d.logIn(options))
	require.NoError(t, err)
	assert.Equal(t, ada.ID, who)
	assert.Equal(t, ada.Passkeys[0].ID, used.ID)
	ada.Passkeys[0] = used

	// A copy of the passkey answers with a counter that was used before.
	options, pending, err = k.BeginLogin()
	require.NoError(t, err)
	_, _, err = k.FinishLogin(find, pending, d.logIn(options))
	require.ErrorIs(t, err, ErrInvalid)
	assert.Contains(t, err.Error(), "backwards")
}

func TestLoginsThatDoNotCount(t *testing.T) {
	k, ada := setup(t)
	d := registered(t, k, &ada)
	find := func(uuid.UUID) (Person, error) { return ada, nil }
	options, pending, err := k.BeginLogin()
	require.NoError(t, err)
	other, otherPending, err := k.BeginLogin()
	require.NoError(t, err)
	good := d.logIn(options)

	phishing := *d
	phishing.rp.Origin = "https://research.example.org.evil.example"
	lazy := *d
	lazy.authenticator.Options.UserNotVerified = true
	stranger := newDevice(t, ada.ID)
	nobody := *d
	nobody.authenticator.Options.UserHandle = []byte("not an id")
	for name, c := range map[string]struct {
		pending, answer json.RawMessage
	}{
		"another challenge":   {otherPending, good},
		"a page elsewhere":    {pending, phishing.logIn(options)},
		"nobody was verified": {pending, lazy.logIn(options)},
		"an unknown passkey":  {pending, stranger.logIn(options)},
		"no user":             {pending, nobody.logIn(options)},
		"nonsense":            {pending, json.RawMessage(`{"id":"x"}`)},
		"empty":               {pending, json.RawMessage(`{}`)},
	} {
		_, _, err := k.FinishLogin(find, c.pending, c.answer)
		assert.ErrorIs(t, err, ErrInvalid, name)
	}
	_, _, err = k.FinishLogin(find, otherPending, d.logIn(other))
	require.NoError(t, err)
	outage := errors.New("the database is away")
	_, _, err = k.FinishLogin(func(uuid.UUID) (Person, error) { return Person{}, outage }, pending, good)
	require.ErrorIs(t, err, outage)
	require.NotErrorIs(t, err, ErrInvalid, "an outage is no refusal")
}

func TestRegistrationsThatDoNotCount(t *testing.T) {
	k, ada := setup(t)
	options, pending, err := k.BeginRegistration(ada)
	require.NoError(t, err)
	_, otherPending, err := k.BeginRegistration(ada)
	require.NoError(t, err)
	good := newDevice(t, ada.ID).register(options)
	phishing := newDevice(t, ada.ID)
	phishing.rp.Origin = "https://evil.example"
	lazy := newDevice(t, ada.ID, func(o *virtualwebauthn.AuthenticatorOptions) { o.UserNotVerified = true })
	bob := Person{ID: uuid.New(), Email: "bob@example.org"}
	for name, c := range map[string]struct {
		person          Person
		pending, answer json.RawMessage
	}{
		"another challenge":   {ada, otherPending, good},
		"a page elsewhere":    {ada, pending, phishing.register(options)},
		"nobody was verified": {ada, pending, lazy.register(options)},
		"another person":      {bob, pending, good},
		"nonsense":            {ada, pending, json.RawMessage(`{"id":"x"}`)},
	} {
		_, err := k.FinishRegistration(c.person, c.pending, c.answer)
		assert.ErrorIs(t, err, ErrInvalid, name)
	}
}

func TestSupported(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		origin: true, "http://localhost:8000": true, "https://localhost": true,
		"": false, "http://research.example.org": false, "https://192.0.2.1": false, "http://127.0.0.1:8000": false, "https://[::1]": false,
	} {
		assert.Equal(t, want, Supported(address), address)
	}
}

func FuzzAnswers(f *testing.F) {
	k, err := New(origin)
	require.NoError(f, err)
	_, login, err := k.BeginLogin()
	require.NoError(f, err)
	ada := Person{ID: uuid.New(), Email: "ada@example.org"}
	_, registration, err := k.BeginRegistration(ada)
	require.NoError(f, err)
	f.Add([]byte(`{"id":"AAAA","rawId":"AAAA","type":"public-key","response":{"clientDataJSON":"e30","attestationObject":"oA"}}`))
	f.Add([]byte(`{"id":"AAAA","rawId":"AAAA","type":"public-key","response":{"clientDataJSON":"e30","authenticatorData":"AAAA","signature":"AAAA","userHandle":"AAAA"}}`))
	f.Fuzz(func(t *testing.T, answer []byte) {
		if _, err := k.FinishRegistration(ada, registration, answer); err == nil {
			t.Fatal("registered")
		}
		if _, _, err := k.FinishLogin(func(uuid.UUID) (Person, error) { return ada, nil }, login, answer); err == nil {
			t.Fatal("logged in")
		}
	})
}
