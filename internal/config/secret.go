package config

import (
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strings"
)

const masked = "xxxxx"

// Secret is a value that must not be shown. Every way of printing it gives "xxxxx", or nothing when it is empty.
// Only Reveal returns the value.
type Secret string

// Reveal returns the secret itself. Never log or format it.
func (s Secret) Reveal() string { return string(s) }

// String implements fmt.Stringer.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return masked
}

// Format implements fmt.Formatter, so that no formatting verb prints the value.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalText implements encoding.TextMarshaler, for JSON and log handlers.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// DSN is a PostgreSQL connection string, as an RFC 3986 URL or in libpq's key=value form. Printing it masks the
// password. Only Reveal returns all of it.
type DSN string

// Reveal returns the connection string with its password. Never log or format it.
func (d DSN) Reveal() string { return string(d) }

// passwordKey is the name of a secret parameter of a connection string.
var passwordKey = regexp.MustCompile(`(?i)^(ssl)?password$`)

// passwordPair finds the secrets of the key=value form. A value may be quoted, or hold spaces after a backslash.
var passwordPair = regexp.MustCompile(`(?i)\b((?:ssl)?password\s*=\s*)('(?:[^'\\]|\\.)*'?|(?:[^\s\\]|\\.)*)`)

// String implements fmt.Stringer: the connection string with its passwords masked. A string that is neither a
// URL nor key=value is not shown at all, because the place of its password is unknown.
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
			return masked // if the password contains an unescaped /, ? or #, the parser takes the rest of the password for a path, query or fragment
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

// Format implements fmt.Formatter, so that no formatting verb prints the password.
func (d DSN) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, d.String()) }

// MarshalText implements encoding.TextMarshaler, for JSON and log handlers.
func (d DSN) MarshalText() ([]byte, error) { return []byte(d.String()), nil }
