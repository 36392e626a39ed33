// Package passkey registers passkeys and checks logins with them (Web Authentication, W3C). It does no I/O.
//
// Invariants:
//
//   - A passkey belongs to the host name of PUBLIC_URL. Answers are accepted only from pages of PUBLIC_URL.
//   - The device must verify the person (PIN, fingerprint) each time, so no password is needed in addition.
//   - Each registration and each login has its own challenge. The caller must accept only one answer to it.
//   - When the signature counter of a passkey decreases, the passkey was probably copied, and the login is refused.
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

// ErrInvalid means that the answer of a passkey is not accepted. Errors that wrap it have details for the server's
// log.
var ErrInvalid = errors.New("the answer of the passkey does not count")

// Credential is a passkey as it is stored.
type Credential struct {
	ID   []byte          // the credential's id, chosen by the device
	Data json.RawMessage // public key, counter and flags
}

// Person is a user, together with the user's passkeys.
type Person struct {
	ID          uuid.UUID
	Email, Name string
	Passkeys    []Credential
}

// Passkeys registers and checks the passkeys of one PUBLIC_URL. It is safe for concurrent use.
type Passkeys struct{ rp *webauthn.WebAuthn }

// Supported reports whether browsers support passkeys for a URL: it must have a host name, and without TLS this must
// be localhost.
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

// New returns Passkeys for a supported URL.
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

// BeginRegistration returns the argument of navigator.credentials.create, by which a browser creates a passkey, and the data
// against which the answer will be checked.
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

// FinishRegistration checks the browser's answer, and returns the passkey, which the caller stores.
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

// BeginLogin returns the argument of navigator.credentials.get, by which a browser asks for a passkey, and the data against which
// the answer will be checked. It needs no user, because the answer names the user.
func (k *Passkeys) BeginLogin() (options any, pending json.RawMessage, err error) {
	assertion, session, err := k.rp.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return nil, nil, fmt.Errorf("begin a login by passkey: %w", err)
	}
	pending, err = json.Marshal(session)
	return assertion, pending, err
}

// FinishLogin checks the browser's answer. find returns the user with an id and all passkeys of the user. FinishLogin returns the
// user's id, and the passkey with its new counter, which the caller stores.
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
	var failed error // an error of the database, not a refusal
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

// invalid returns ErrInvalid with the details that the library's errors have for developers.
func invalid(err error) error {
	var detail *protocol.Error
	if errors.As(err, &detail) {
		return fmt.Errorf("%w: %s (%s)", ErrInvalid, detail.Details, detail.DevInfo)
	}
	return fmt.Errorf("%w: %w", ErrInvalid, err)
}

// user implements the library's interface for a Person.
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
