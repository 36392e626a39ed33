package wire

import (
	"slices"
	"unicode/utf8"

	"legwork/internal/access"
)

// maxSecretText is the greatest length of passwords and tokens in a request, in bytes. Longer ones are refused unread.
const maxSecretText = 512

// Login is the body of a login by password.
type Login struct {
	Email    string
	Password string
}

// DecodeLogin reads the body of a login. Whether the address is one is for the login to say, which must not tell it apart from
// an unknown one.
func DecodeLogin(body []byte) (Login, error) {
	o, err := parse(body, []string{"email", "password"})
	if err != nil {
		return Login{}, err
	}
	in := Login{Email: o.needed("email", maxSecretText), Password: o.needed("password", maxSecretText)}
	return in, o.bad.Err()
}

// DecodePasswordChange reads the body of a change of password.
func DecodePasswordChange(body []byte) (current, next string, err error) {
	o, err := parse(body, []string{"currentPassword", "newPassword"})
	if err != nil {
		return "", "", err
	}
	current, next = o.needed("currentPassword", maxSecretText), o.needed("newPassword", maxSecretText)
	return current, next, o.bad.Err()
}

// DecodeAccountChoice reads the body that names an account.
func DecodeAccountChoice(body []byte) (account string, err error) {
	o, err := parse(body, []string{"accountId"})
	if err != nil {
		return "", err
	}
	account = o.needed("accountId", maxSecretText)
	return account, o.bad.Err()
}

// InvitationAcceptance is the body with which somebody accepts an invitation.
type InvitationAcceptance struct {
	Token    string
	Email    string // empty: as the user who is logged in
	Name     string
	Password string
}

// DecodeInvitationAcceptance reads that body.
func DecodeInvitationAcceptance(body []byte) (InvitationAcceptance, error) {
	o, err := parse(body, []string{"token", "email", "name", "password"})
	if err != nil {
		return InvitationAcceptance{}, err
	}
	in := InvitationAcceptance{Token: o.needed("token", maxSecretText), Email: o.short("email", maxSecretText),
		Name: o.short("name", 4*maxSecretText), Password: o.short("password", maxSecretText)}
	return in, o.bad.Err()
}

// NewInvitation is the body of an invitation to be made.
type NewInvitation struct {
	Role  access.Role
	Email string // empty: anybody with the link
	Hours int    // how long it is valid
}

// DecodeNewInvitation reads that body.
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

// needed gives a text that must be there, of at most most bytes and without NUL.
func (o *object) needed(name string, most int) string {
	s := o.short(name, most)
	if s == "" && !o.reported(name) {
		o.bad.Add(name, "is missing")
	}
	return s
}

// short gives a text that may be absent, of at most most bytes and without NUL.
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

// reported tells whether something is wrong with a field already.
func (o *object) reported(name string) bool {
	for _, f := range o.bad.Fields {
		if f.Field == name {
			return true
		}
	}
	return false
}
