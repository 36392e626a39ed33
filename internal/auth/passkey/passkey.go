// Package passkey registers passkeys and checks logins with them (Web Authentication, W3C). It does no I/O.
//
// Invariants:
//
//   - A passkey belongs to the host name of PUBLIC_URL, and answers count only from pages of that address.
//   - The device must verify the person (PIN, fingerprint) each time, so a passkey is a login by itself.
//   - Each registration and login has a challenge of its own. Whoever stores it must give it out once.
//   - A signature counter that runs backwards means that the passkey was copied; it does not count any more.
package passkey

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/google/uuid"
)

// ErrInvalid means that the answer of a passkey does not count. The text behind it is for the log of the server.
var ErrInvalid = errors.New("the answer of the passkey does not count")

// Credential is a passkey as it is stored.
type Credential struct {
	ID   []byte          // the credential's id, chosen by the device
	Data json.RawMessage // public key, counter and flags
}

// Person is a user with the passkeys so far.
type Person struct {
	ID          uuid.UUID
	Email, Name string
	Passkeys    []Credential
}

// Passkeys registers and checks passkeys of one address. It is safe for concurrent use.
type Passkeys struct{ rp *webauthn.WebAuthn }

// Supported reports whether browsers make passkeys for an address: only for host names, and without TLS only for localhost.
func Supported(publicURL string) bool {
	u, err := url.Parse(publicURL)
	if err != nil || u.Hostname() == "" {
		return false
	}
	if _, err := netip.ParseAddr(u.Hostname()); err == nil {
		return false
	}
	return u.Scheme == "https" || u.Hostname() == "localhost"
}

// New makes Passkeys of a supported address.
func New(publicURL string) (*Passkeys, error) {
	u, err := url.Parse(publicURL)
	if err != nil {
		return nil, fmt.Errorf("PUBLIC_URL: %w", err)
	}
	rp, err := webauthn.New(&webauthn.Config{RPID: u.Hostname(), RPDisplayName: "legwork", RPOrigins: []string{publicURL}})
	if err != nil {
		return nil, fmt.Errorf("passkeys of %s: %w", publicURL, err)
	}
	return &Passkeys{rp: rp}, nil
}

// BeginRegistration gives what a browser needs to make a passkey (the argument of navigator.credentials.create), and what the
// answer will be checked against.
func (k *Passkeys) BeginRegistration(p Person) (options any, pending json.RawMessage, err error) {
	user, err := userOf(p)
	if err != nil {
		return nil, nil, err
	}
	creation, session, err := k.rp.BeginRegistration(user, webauthn.WithExclusions(webauthn.Credentials(user.credentials).CredentialDescriptors()),
		webauthn.WithAuthenticatorSelection(protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, UserVerification: protocol.VerificationRequired}))
	if err != nil {
		return nil, nil, fmt.Errorf("begin to register a passkey: %w", err)
	}
	pending, err = json.Marshal(session)
	return creation, pending, err
}

// FinishRegistration checks the browser's answer, and gives the passkey to be stored.
func (k *Passkeys) FinishRegistration(p Person, pending, answer json.RawMessage) (Credential, error) {
	user, err := userOf(p)
	if err != nil {
		return Credential{}, err
	}
	var session webauthn.SessionData
	if err := json.Unmarshal(pending, &session); err != nil {
		return Credential{}, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return Credential{}, invalid(err)
	}
	made, err := k.rp.CreateCredential(user, session, parsed)
	if err != nil {
		return Credential{}, invalid(err)
	}
	return stored(made)
}

// BeginLogin gives what a browser needs to ask for a passkey (the argument of navigator.credentials.get), and what the answer
// will be checked against. Nobody needs to say who they are.
func (k *Passkeys) BeginLogin() (options any, pending json.RawMessage, err error) {
	assertion, session, err := k.rp.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return nil, nil, fmt.Errorf("begin a login by passkey: %w", err)
	}
	pending, err = json.Marshal(session)
	return assertion, pending, err
}

// FinishLogin checks the browser's answer. find gives the person of an id with all passkeys. It returns who that is, and the
// passkey as it is to be stored now.
func (k *Passkeys) FinishLogin(find func(id uuid.UUID) (Person, error), pending, answer json.RawMessage) (uuid.UUID, Credential, error) {
	var session webauthn.SessionData
	if err := json.Unmarshal(pending, &session); err != nil {
		return uuid.Nil, Credential{}, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return uuid.Nil, Credential{}, invalid(err)
	}
	var who uuid.UUID
	var failed error // of the database, which must not look like a refusal
	_, used, err := k.rp.ValidatePasskeyLogin(func(_, handle []byte) (webauthn.User, error) {
		id, err := uuid.FromBytes(handle)
		if err != nil {
			return nil, err
		}
		person, err := find(id)
		if err != nil {
			failed = err
			return nil, err
		}
		who = id
		return userOf(person)
	}, session, parsed)
	switch {
	case failed != nil:
		return uuid.Nil, Credential{}, failed
	case err != nil:
		return uuid.Nil, Credential{}, invalid(err)
	case used.Authenticator.CloneWarning:
		return uuid.Nil, Credential{}, fmt.Errorf("%w: its counter runs backwards", ErrInvalid)
	}
	c, err := stored(used)
	return who, c, err
}

func stored(c *webauthn.Credential) (Credential, error) {
	data, err := json.Marshal(c)
	return Credential{ID: c.ID, Data: data}, err
}

// invalid keeps what the library says for developers, which its errors hide.
func invalid(err error) error {
	var detail *protocol.Error
	if errors.As(err, &detail) {
		return fmt.Errorf("%w: %s (%s)", ErrInvalid, detail.Details, detail.DevInfo)
	}
	return fmt.Errorf("%w: %w", ErrInvalid, err)
}

// user is a Person as the library wants it.
type user struct {
	Person
	credentials []webauthn.Credential
}

func userOf(p Person) (user, error) {
	u := user{Person: p}
	for _, c := range p.Passkeys {
		var credential webauthn.Credential
		if err := json.Unmarshal(c.Data, &credential); err != nil {
			return user{}, fmt.Errorf("a stored passkey of user %s: %w", p.ID, err)
		}
		u.credentials = append(u.credentials, credential)
	}
	return u, nil
}

// WebAuthnID implements webauthn.User.
func (u user) WebAuthnID() []byte { return u.ID[:] }

// WebAuthnName implements webauthn.User.
func (u user) WebAuthnName() string { return u.Email }

// WebAuthnDisplayName implements webauthn.User.
func (u user) WebAuthnDisplayName() string {
	if u.Name == "" {
		return u.Email
	}
	return u.Name
}

// WebAuthnCredentials implements webauthn.User.
func (u user) WebAuthnCredentials() []webauthn.Credential { return u.credentials }
