package login

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// FuzzEmail converts any text to an e-mail address. What is accepted must be in the form that is stored: lower case, without spaces, and
// accepted again unchanged, so that one person cannot have two users.
func FuzzEmail(f *testing.F) {
	for _, text := range []string{" Ada@Example.org", "a@b", "Ada <a@b>", "a b@c", "a@b@c", "\"a b\"@c", "a@[127.0.0.1]", "ı@example.org", "K@example.org", "a@b\x00"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		email, ok := Email(text)
		if !ok {
			return
		}
		if len(email) < 3 || len(email) > maxEmail || !utf8.ValidString(email) || strings.ToLower(email) != email ||
			strings.ContainsFunc(email, unicode.IsSpace) || strings.ContainsFunc(email, unicode.IsControl) || !strings.Contains(email, "@") {
			t.Fatalf("%q is stored as %q", text, email)
		}
		if again, ok := Email(email); !ok || again != email {
			t.Fatalf("%q is stored as %q, and that as %q", text, email, again)
		}
	})
}
