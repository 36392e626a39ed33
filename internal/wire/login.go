package wire

import (
	"slices"
	"unicode/utf8"

	"legwork/internal/access"
)

// maxSecretText is the greatest length of passwords and tokens in a request, in bytes. Longer ones are refused.
const maxSecretText = 512

// Login is the body of a login by password.
type Login struct {
	Email    string
	Password string
}

// DecodeLogin decodes the body of a login. It does not check the form of the e-mail address: the answer to an invalid address
// must be the same as to an unknown one.
func DecodeLogin(body []byte) (Login, error) {
	o, err := parse(body, []string{"email", "password"})
	if err != nil {
		return Login{}, err
	}
	in := Login{Email: o.needed("email", maxSecretText), Password: o.needed("password", maxSecretText)}
	return in, o.bad.Err()
}

// DecodePasswordChange decodes the body of a change of password.
func DecodePasswordChange(body []byte) (current, next string, err error) {
	o, err := parse(body, []string{"currentPassword", "newPassword"})
	if err != nil {
		return "", "", err
	}
	current, next = o.needed("currentPassword", maxSecretText), o.needed("newPassword", maxSecretText)
	return current, next, o.bad.Err()
}

// DecodeErasure decodes the body of a request that erases the user. password is empty when none is given.
func DecodeErasure(body []byte) (password string, err error) {
	o, err := parse(body, []string{"password"})
	if err != nil {
		return "", err
	}
	password = o.short("password", maxSecretText)
	return password, o.bad.Err()
}

// DecodeAccountChoice decodes the body that names an account.
func DecodeAccountChoice(body []byte) (account string, err error) {
	o, err := parse(body, []string{"accountId"})
	if err != nil {
		return "", err
	}
	account = o.needed("accountId", maxSecretText)
	return account, o.bad.Err()
}

// InvitationAcceptance is the body of a request that accepts an invitation.
type InvitationAcceptance struct {
	Token    string
	Email    string // empty when the user who is logged in accepts
	Name     string
	Password string
}

// DecodeInvitationAcceptance decodes the body of a request that accepts an invitation.
func DecodeInvitationAcceptance(body []byte) (InvitationAcceptance, error) {
	o, err := parse(body, []string{"token", "email", "name", "password"})
	if err != nil {
		return InvitationAcceptance{}, err
	}
	in := InvitationAcceptance{Token: o.needed("token", maxSecretText), Email: o.short("email", maxSecretText),
		Name: o.short("name", 4*maxSecretText), Password: o.short("password", maxSecretText)}
	return in, o.bad.Err()
}

// NewInvitation is the body of a request that creates an invitation.
type NewInvitation struct {
	Role  access.Role
	Email string // only a user with this address may accept; empty when anybody with the link may
	Hours int    // how long the invitation is valid, in hours
}

// DecodeNewInvitation decodes the body of a request that creates an invitation.
func DecodeNewInvitation(body []byte) (NewInvitation, error) {
	o, err := parse(body, []string{"role", "email", "hours"})
	if err != nil {
		return NewInvitation{}, err
	}
	in := NewInvitation{Role: choice(o, "role", access.Roles, ""), Email: o.short("email", maxSecretText), Hours: o.integer("hours", 1, 720, 168)}
	if in.Role == "" && !o.reported("role") {
		o.bad.Add("role", "is missing; it must be one of %s", join(access.Roles))
	}
	return in, o.bad.Err()
}

// needed reads a required text of at most most bytes, without NUL.
func (o *object) needed(name string, most int) string {
	s := o.short(name, most)
	if s == "" && !o.reported(name) {
		o.bad.Add(name, "is missing")
	}
	return s
}

// short reads an optional text of at most most bytes, without NUL.
func (o *object) short(name string, most int) string {
	s, ok := o.text(name)
	switch {
	case !ok:
		return ""
	case len(s) > most || !utf8.ValidString(s):
		o.bad.Add(name, "must have at most %d bytes", most)
		return ""
	case slices.Contains([]byte(s), 0):
		o.bad.Add(name, "must not contain NUL")
		return ""
	}
	return s
}

// reported reports whether an error of this field was added already.
func (o *object) reported(name string) bool {
	for _, f := range o.bad.Fields {
		if f.Field == name {
			return true
		}
	}
	return false
}

// DecodeNewPasskey decodes the body that registers a passkey. It does not parse the credential, because the code that
// checks the credential does.
func DecodeNewPasskey(body []byte) (name string, credential []byte, err error) {
	o, err := parse(body, []string{"name", "credential"})
	if err != nil {
		return "", nil, err
	}
	name, credential = o.name("name"), o.objectText("credential")
	return name, credential, o.bad.Err()
}

// DecodePasskeyLogin decodes the body of a login by passkey.
func DecodePasskeyLogin(body []byte) (credential []byte, err error) {
	o, err := parse(body, []string{"credential"})
	if err != nil {
		return nil, err
	}
	credential = o.objectText("credential")
	return credential, o.bad.Err()
}

// objectText returns the JSON text of a required object.
func (o *object) objectText(name string) []byte {
	v := o.get(name)
	if v.Kind() != '{' {
		o.bad.Add(name, "must be a JSON object")
		return nil
	}
	return v
}
