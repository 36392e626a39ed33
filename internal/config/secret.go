package config

import (
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strings"
)

const masked = "xxxxx"

// Secret is a value that must not be shown. Every way of printing it gives "xxxxx", or nothing when it is empty; Reveal
// gives the value to the one who uses it.
type Secret string

// Reveal is the secret itself. Never log or format what it returns.
func (s Secret) Reveal() string { return string(s) }

// String implements fmt.Stringer.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return masked
}

// Format implements fmt.Formatter, so that no verb reaches the value.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalText implements encoding.TextMarshaler, for JSON and log handlers.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// DSN is a PostgreSQL connection string as RFC 3986 URL or in libpq's key=value form. Printing it masks the password;
// Reveal gives all of it to the one who connects.
type DSN string

// Reveal is the connection string with its password. Never log or format what it returns.
func (d DSN) Reveal() string { return string(d) }

// passwordKey is the name of a secret parameter of a connection string.
var passwordKey = regexp.MustCompile(`(?i)^(ssl)?password$`)

// passwordPair finds the secrets of the key=value form: a quoted value, or one in which a backslash keeps a space.
var passwordPair = regexp.MustCompile(`(?i)\b((?:ssl)?password\s*=\s*)('(?:[^'\\]|\\.)*'?|(?:[^\s\\]|\\.)*)`)

// String implements fmt.Stringer: the connection string with passwords masked. What is neither a URL nor key=value is
// not shown at all, since nobody can tell where its password is.
func (d DSN) String() string {
	s := string(d)
	switch {
	case s == "":
		return ""
	case strings.Contains(s, "://"):
		u, err := url.Parse(s)
		if err != nil {
			return masked
		}
		if strings.Contains(u.Host+u.Path+u.RawQuery+u.Fragment, "@") {
			return masked // an unescaped /, ? or # in the password moves its rest behind the host
		}
		query := u.Query()
		for key := range query {
			if passwordKey.MatchString(key) {
				query.Set(key, masked)
				u.RawQuery = query.Encode()
			}
		}
		return u.Redacted()
	case keyValueDSN.MatchString(s):
		return passwordPair.ReplaceAllString(s, "${1}"+masked)
	default:
		return masked
	}
}

// Format implements fmt.Formatter, so that no verb reaches the password.
func (d DSN) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, d.String()) }

// MarshalText implements encoding.TextMarshaler, for JSON and log handlers.
func (d DSN) MarshalText() ([]byte, error) { return []byte(d.String()), nil }
