// Package session has the credentials of browsers: the cookie of a session, and tickets. A ticket opens one stream,
// for clients that can send neither a header nor a cookie.
//
// Invariants:
//
//   - A cookie holds an id and a secret. Only the hash of the secret is stored. Scripts cannot read the cookie, and browsers do
//     not send it with requests of other sites' pages, except when a person follows a link.
//   - Over TLS the cookie has the prefix __Host- (RFC 6265bis §4.1.3.2), so that no other host of the domain can set it.
//   - A ticket works once, within 30 seconds, and only for streams.
package session

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"time"

	"legwork/internal/access"
	"legwork/internal/auth"
	"legwork/internal/auth/token"
	"legwork/internal/research"
	"legwork/internal/store/identities"
)

// CookieName is the name of the session's cookie. Over TLS it has the prefix __Host-.
const CookieName = "legwork_session"

// maxCookies is how many cookies of one name are read.
const maxCookies = 4

// Cookies writes and reads cookies that only this server may set.
type Cookies struct {
	// Secure reports whether the client uses TLS, to this server or to a proxy in front of it.
	Secure func(r *http.Request) bool
}

// name returns the name of a cookie, with the prefix __Host- over TLS.
func (c Cookies) name(r *http.Request, name string) string {
	if c.Secure(r) {
		return "__Host-" + name
	}
	return name
}

// New returns a cookie for the answer to r. With a zero end, the cookie ends when the browser is closed.
func (c Cookies) New(r *http.Request, name, value string, ends time.Time) *http.Cookie {
	return &http.Cookie{Name: c.name(r, name), Value: value, Path: "/", Expires: ends, Secure: c.Secure(r), HttpOnly: true, SameSite: http.SameSiteLaxMode}
}

// Gone returns a cookie that makes the browser delete the cookie with this name.
func (c Cookies) Gone(r *http.Request, name string) *http.Cookie {
	gone := c.New(r, name, "", time.Unix(1, 0))
	gone.MaxAge = -1
	return gone
}

// Read returns the values of the cookies with this name, at most maxCookies.
func (c Cookies) Read(r *http.Request, name string) []string {
	var out []string
	for _, cookie := range r.CookiesNamed(c.name(r, name)) {
		if cookie.Value != "" && len(out) < maxCookies {
			out = append(out, cookie.Value)
		}
	}
	return out
}

// Browser is the auth.Method of session cookies.
type Browser struct {
	Store   *identities.Store
	Cookies Cookies
	Idle    time.Duration // a session ends if it is not used for this time
}

// errEnded is the error for every session that is not valid. It has no details, so that a guessed cookie gives no
// information.
var errEnded = &auth.Rejected{Reason: "This session has ended; log in again."}

// Credential implements auth.Method.
func (b Browser) Credential(r *http.Request) (string, bool) {
	values := b.Cookies.Read(r, CookieName)
	if len(values) == 0 {
		return "", false
	}
	return values[0], true
}

// Check implements auth.Method.
func (b Browser) Check(ctx context.Context, credential string) (auth.Grant, error) {
	presented, err := token.Parse(credential)
	if err != nil {
		return auth.Grant{}, errEnded
	}
	row, err := b.Store.SessionCredential(ctx, presented.ID, b.Idle)
	switch {
	case errors.Is(err, research.ErrNotFound):
		return auth.Grant{}, errEnded
	case err != nil:
		return auth.Grant{}, err
	case !presented.Secret.Matches(row.SecretHash):
		return auth.Grant{}, errEnded
	}
	if row.SeenLongAgo {
		if err := b.Store.TouchSession(ctx, presented.ID); err != nil {
			return auth.Grant{}, err
		}
	}
	return auth.Grant{Principal: access.Principal{Kind: access.BySession, AccountID: row.AccountID, UserID: &row.UserID,
		Role: row.Role, SessionID: &presented.ID, ExpiresAt: &row.ExpiresAt}}, nil
}

// streams matches the paths at which tickets are accepted.
var streams = regexp.MustCompile(`^/api/tasks/[^/]+/(stream|events)$`)

// TicketParam is the query parameter of tickets.
const TicketParam = "ticket"

// Ticket is the auth.Method of tickets. A ticket has the present rights of the session or key that created it.
type Ticket struct {
	Store *identities.Store
	Idle  time.Duration
}

// errTicket is the error for every ticket that is not valid.
var errTicket = &auth.Rejected{Reason: "This ticket was used already, or is older than 30 seconds; make a new one (POST /api/auth/tickets) for each connection."}

// Credential implements auth.Method.
func (t Ticket) Credential(r *http.Request) (string, bool) {
	if r.URL.RawQuery == "" || !streams.MatchString(r.URL.Path) {
		return "", false
	}
	ticket := r.URL.Query().Get(TicketParam)
	return ticket, ticket != ""
}

// Check implements auth.Method.
func (t Ticket) Check(ctx context.Context, credential string) (auth.Grant, error) {
	secret, err := token.ParseSecret(credential)
	if err != nil {
		return auth.Grant{}, errTicket
	}
	owner, err := t.Store.TakeTicket(ctx, secret.Hash())
	if errors.Is(err, research.ErrNotFound) {
		return auth.Grant{}, errTicket
	}
	if err != nil {
		return auth.Grant{}, err
	}
	var grant auth.Grant
	if owner.SessionID != nil {
		row, err := t.Store.SessionCredential(ctx, *owner.SessionID, t.Idle)
		if errors.Is(err, research.ErrNotFound) {
			return auth.Grant{}, errTicket
		}
		if err != nil {
			return auth.Grant{}, err
		}
		grant.Principal = access.Principal{Kind: access.BySession, AccountID: row.AccountID, UserID: &row.UserID, Role: row.Role,
			SessionID: owner.SessionID, ExpiresAt: &row.ExpiresAt}
	} else if grant, err = auth.KeyGrant(ctx, t.Store, owner.KeyID); err != nil {
		return auth.Grant{}, err
	}
	grant.Once = true
	return grant, nil
}
