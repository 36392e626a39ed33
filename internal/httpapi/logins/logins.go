package logins

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/google/uuid"

	"legwork/api"
	"legwork/internal/access"
	"legwork/internal/auth"
	"legwork/internal/auth/login"
	"legwork/internal/auth/openid"
	"legwork/internal/auth/passkey"
	"legwork/internal/auth/password"
	"legwork/internal/auth/session"
	"legwork/internal/auth/token"
	"legwork/internal/httpapi/accounts"
	"legwork/internal/httpapi/problem"
	"legwork/internal/research"
	"legwork/internal/sealed"
	"legwork/internal/store/identities"
	"legwork/internal/wire"
)

// Config is what the operations need. OpenID, OpenIDName, Passkeys and PublicURL may be zero.
type Config struct {
	Off        bool // access control is off, so nobody can log in
	Store      *identities.Store
	Logins     *login.Service
	Cookies    session.Cookies
	Idle       time.Duration // a session ends when it has not been used for this time
	Passwords  bool          // whether people may log in by password
	OpenID     *openid.Provider
	Passkeys   *passkey.Passkeys
	OpenIDName string
	Policy     login.Policy // decides who may log in by OpenID
	PublicURL  string       // without final slash
	Issuer     string       // issuer of accepted access tokens (JWT); empty means that no access tokens are accepted
	Audience   string       // audience that access tokens must have
	Keys       *sealed.Keys // seal what logins keep in the database; nil or empty: each is sealed with the secret in its cookie
	Log        *slog.Logger
}

// Operations implements the operations of this package. New returns one.
type Operations struct {
	Config
	request  func(ctx context.Context) *http.Request
	readBody accounts.ReadBody
}

// New returns the operations. request must return the HTTP request that a handler answers, and read must read a JSON
// body within the server's limits.
func New(cfg Config, request func(ctx context.Context) *http.Request, read accounts.ReadBody) *Operations {
	return &Operations{Config: cfg, request: request, readBody: read}
}

// These are the errors by which this package refuses requests.
var (
	errWrongLogin = &problem.Problem{Status: http.StatusUnauthorized, Code: "login_failed",
		Message: "E-mail address or password is wrong, or the user may not log in."}
	errBusy = &problem.Problem{Status: http.StatusServiceUnavailable, Code: "busy",
		Message: "Too many people log in at this moment; try again in a few seconds.", RetryAfter: 5 * time.Second}
	errNoAccount = &problem.Problem{Status: http.StatusForbidden, Code: "no_account",
		Message: "You are a member of no account; ask an administrator for an invitation."}
	errNoPassword = &problem.Problem{Status: http.StatusConflict, Code: "no_password",
		Message: "You log in without a password, so there is none to change."}
	errInvitation = &problem.Problem{Status: http.StatusGone, Code: "invitation_gone",
		Message: "This invitation was used already, was withdrawn or is too old; ask for a new one."}
	errInvitedOther = &problem.Problem{Status: http.StatusForbidden, Code: "invited_other",
		Message: "This invitation is for another e-mail address."}
	errRoleTooHigh = &problem.Problem{Status: http.StatusForbidden, Code: "role_too_high",
		Message: "This concerns a role above your own; ask somebody who has it."}
	errPasswordsOff = &problem.Problem{Status: http.StatusForbidden, Code: "passwords_off",
		Message: "Logins by password are switched off (AUTH_PASSWORDS); log in at the OpenID provider."}
	errNoUsers = &problem.Problem{Status: http.StatusForbidden, Code: "auth_off",
		Message: "This server runs without access control (AUTH_MODE=off), so there is nothing to log in to."}
	errTooOld = &problem.Problem{Status: http.StatusForbidden, Code: "login_too_old",
		Message: "You log in without a password; log in again, and repeat this within ten minutes."}
	errNotFound   = &problem.Problem{Status: http.StatusNotFound, Code: "not_found", Message: "There is no such thing here."}
	errTicketKind = &problem.Problem{Status: http.StatusForbidden, Code: "ticket_refused",
		Message: "Bearer tokens get no tickets; send the token in the Authorization header of the stream."}
)

// refusal turns known login errors into errors that a client can be sent. It returns other errors unchanged.
func refusal(err error) error {
	var locked login.Locked
	var last identities.LastOwnerOf
	for _, known := range []struct {
		is error
		as *problem.Problem
	}{
		{login.ErrWrong, errWrongLogin}, {login.ErrNoPassword, errNoPassword}, {login.ErrNoAccount, errNoAccount},
		{password.ErrBusy, errBusy}, {identities.ErrInvitation, errInvitation}, {identities.ErrInvitedOther, errInvitedOther},
		{identities.ErrRoleTooHigh, errRoleTooHigh}, {login.ErrTooOld, errTooOld}, {research.ErrNotFound, errNotFound},
	} {
		if errors.Is(err, known.is) {
			return known.as
		}
	}
	if errors.As(err, &last) {
		return &problem.Problem{Status: http.StatusConflict, Code: "last_owner",
			Message: "You are the last owner of the account " + last.Account + ", which has other members or tasks; make another member owner first."}
	}
	if errors.As(err, &locked) {
		wait := locked.Wait.Round(time.Second)
		return &problem.Problem{Status: http.StatusTooManyRequests, Code: "login_locked", RetryAfter: wait,
			Message: "Too many logins have failed; try again in " + wait.String() + "."}
	}
	return err
}

// client describes the client of a request by its address and User-Agent.
func (o *Operations) client(ctx context.Context) login.Client {
	return login.Client{Address: auth.CallerOf(ctx).Address, UserAgent: o.request(ctx).UserAgent()}
}

// oldSession returns the id of the session in the browser's cookie, or nil. It does not check the secret in the cookie,
// because a login ends the old session only if both belong to the same user.
func (o *Operations) oldSession(ctx context.Context) *uuid.UUID {
	for _, value := range o.Cookies.Read(o.request(ctx), session.CookieName) {
		if old, err := token.Parse(value); err == nil {
			return &old.ID
		}
	}
	return nil
}

// id parses an id in a path. A malformed id gets the same error as an id that does not exist.
func id(text string) (uuid.UUID, error) {
	parsed, err := wire.ParseID(text)
	if err != nil {
		return uuid.Nil, errNotFound
	}
	return parsed, nil
}

// setCookies are the cookies that an answer sets.
type setCookies []*http.Cookie

func (s setCookies) write(w http.ResponseWriter) {
	for _, c := range s {
		http.SetCookie(w, c)
	}
}

// sessionCookie returns the cookie of a session that has just begun.
func (o *Operations) sessionCookie(ctx context.Context, s login.Started) *http.Cookie {
	return o.Cookies.New(o.request(ctx), session.CookieName, s.Token.Text(), s.ExpiresAt)
}

// started returns the description of the user whose session has just begun. It reads the session from the database,
// so the description is the same as that for the next request of the session.
func (o *Operations) started(ctx context.Context, s login.Started) (api.Me, error) {
	row, err := o.Store.SessionCredential(ctx, s.Token.ID, o.Idle)
	if err != nil {
		return api.Me{}, err
	}
	return o.me(ctx, access.Principal{Kind: access.BySession, AccountID: row.AccountID, UserID: &row.UserID, Role: row.Role,
		SessionID: &s.Token.ID, ExpiresAt: &row.ExpiresAt})
}

// me returns the description of a principal that clients get.
func (o *Operations) me(ctx context.Context, p access.Principal) (api.Me, error) {
	out := api.Me{Kind: api.MeKind(p.Kind), AccountID: p.AccountID, Role: api.Role(p.Role), Accounts: []api.MeAccount{}}
	if p.Scopes != nil {
		scopes := make([]string, len(p.Scopes))
		for i, s := range p.Scopes {
			scopes[i] = string(s)
		}
		out.Scopes = &scopes
	}
	if p.KeyID != "" {
		out.KeyID = &p.KeyID
	}
	if p.SessionID != nil {
		text := p.SessionID.String()
		out.SessionID = &text
	}
	if p.ExpiresAt != nil {
		ends := api.NewTime(*p.ExpiresAt)
		out.ExpiresAt = &ends
	}
	if p.UserID == nil {
		return out, nil
	}
	user, err := o.Store.User(ctx, *p.UserID)
	if err != nil {
		return api.Me{}, err
	}
	memberships, err := o.Store.Memberships(ctx, user.ID)
	if err != nil {
		return api.Me{}, err
	}
	out.User = &api.MeUser{ID: user.ID.String(), Email: user.Email, Name: user.Name}
	for _, m := range memberships {
		out.Accounts = append(out.Accounts, api.MeAccount{ID: m.AccountID, Name: m.AccountName, Role: api.Role(m.Role)})
	}
	return out, nil
}
