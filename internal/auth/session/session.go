// Package session has the credentials of browsers: the cookie of a session, and tickets for streams of clients that can send
// neither header nor cookie.
//
// Invariants:
//
//   - A cookie holds an id and a secret, of which only the hash is stored. Scripts cannot read it, and browsers do not send it
//     with requests that pages of other sites make, except when a person follows a link.
//   - Behind TLS the cookie has the prefix __Host- (RFC 6265bis §4.1.3.2), so that no neighbouring host can plant one.
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

// CookieName is the name of the session's cookie. Behind TLS it has the prefix __Host-.
const CookieName = "legwork_session"

// maxCookies is how many cookies of the name are looked at.
const maxCookies = 4

// Cookies writes and reads cookies that only this server may set.
type Cookies struct {
	// Secure reports whether the client reached the server by TLS, at this server or at a proxy before it.
	Secure func(r *http.Request) bool
}

// name is the name under which browsers keep a cookie.
func (c Cookies) name(r *http.Request, name string) string {
	if c.Secure(r) {
		return "__Host-" + name
	}
	return name
}

// New makes a cookie for the answer to r. A zero end lets it end with the browser.
func (c Cookies) New(r *http.Request, name, value string, ends time.Time) *http.Cookie {
	return &http.Cookie{Name: c.name(r, name), Value: value, Path: "/", Expires: ends, Secure: c.Secure(r), HttpOnly: true, SameSite: http.SameSiteLaxMode}
}

// Gone makes a cookie that removes the one of the name.
func (c Cookies) Gone(r *http.Request, name string) *http.Cookie {
	gone := c.New(r, name, "", time.Unix(1, 0))
	gone.MaxAge = -1
	return gone
}

// Read gives the values of the cookies of the name, a few at most.
func (c Cookies) Read(r *http.Request, name string) []string {
	var out []string
	for _, cookie := range r.CookiesNamed(c.name(r, name)) {
		if cookie.Value != "" && len(out) < maxCookies {
			out = append(out, cookie.Value)
		}
	}
	return out
}

// Browser is the method of session cookies.
type Browser struct {
	Store   *identities.Store
	Cookies Cookies
	Idle    time.Duration // a session that was not used for so long has ended
}

// errEnded is all that is said of a session that does not count: who has the cookie knows, or has guessed, no more.
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

// streams are the paths at which tickets count.
var streams = regexp.MustCompile(`^/api/tasks/[^/]+/(stream|events)$`)

// TicketParam is the query parameter of tickets.
const TicketParam = "ticket"

// Ticket is the method of tickets. A ticket acts as the session or key that made it, as that is now.
type Ticket struct {
	Store *identities.Store
	Idle  time.Duration
}

// errTicket is all that is said of a ticket that does not count.
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
