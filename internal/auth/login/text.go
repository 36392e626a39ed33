package login

import (
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxEmail and maxName are lengths in bytes and in code points.
const (
	maxEmail = 254 // RFC 5321 §4.5.3.1.3
	maxName  = 200
)

// Email converts an e-mail address to the form that is stored. ok is false when the text is no e-mail address.
func Email(text string) (email string, ok bool) {
	email = strings.ToLower(strings.TrimSpace(text))
	if !utf8.ValidString(text) || len(email) < 3 || len(email) > maxEmail || strings.ContainsFunc(email, forbidden) {
		return "", false
	}
	parsed, err := mail.ParseAddress(email)
	if err != nil || parsed.Address != email || parsed.Name != "" {
		return "", false
	}
	return email, true
}

// Name converts the name of a person to the form that is stored. ok is false when it is too long or no valid text.
func Name(text string) (name string, ok bool) {
	name = strings.TrimSpace(text)
	return name, utf8.ValidString(name) && utf8.RuneCountInString(name) <= maxName && !strings.ContainsFunc(name, unicode.IsControl)
}

func forbidden(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }

// plainText converts a header of a request to a text that can be stored: valid Unicode without control characters.
func plainText(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
}
