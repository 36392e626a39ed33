package logins

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"legwork/api"
	"legwork/internal/auth/login"
	"legwork/internal/auth/openid"
	"legwork/internal/httpapi/problem"
	"legwork/internal/research"
	"legwork/internal/store/identities"
)

// Refusals of logins at the OpenID provider.
var (
	errNoOpenID = &problem.Problem{Status: http.StatusNotFound, Code: "not_found",
		Message: "This server has no OpenID provider (OIDC_ISSUER); log in by password."}
	errProvider = &problem.Problem{Status: http.StatusServiceUnavailable, Code: "provider_failed", RetryAfter: 30 * time.Second,
		Message: "The OpenID provider does not answer as it should; try again later, or log in another way. The server's log has the cause."}
	errOpenIDRefused = &problem.Problem{Status: http.StatusUnauthorized, Code: "login_refused",
		Message: "The OpenID provider refused the login; begin it again."}
	errOpenIDForged = &problem.Problem{Status: http.StatusUnauthorized, Code: "login_stale",
		Message: "This login is not the one that this browser began, was finished already or took longer than ten minutes; begin it again."}
	errOpenIDNotAllowed = &problem.Problem{Status: http.StatusForbidden, Code: "not_invited",
		Message: "Your provider knows you, but this server lets nobody in by your address and groups; ask an administrator for an invitation."}
	errOpenIDNotLinked = &problem.Problem{Status: http.StatusForbidden, Code: "not_linked",
		Message: "There is a user with your e-mail address who does not log in at this provider yet; log in as before, or ask an administrator (OIDC_LINK_BY_EMAIL)."}
)

// openIDProblem turns the errors of logins at the provider into errors for the client. It logs their causes, which the
// client does not get.
func (o *Operations) openIDProblem(ctx context.Context, err error) error {
	for _, known := range []struct {
		is error
		as *problem.Problem
	}{
		{openid.ErrProvider, errProvider}, {openid.ErrRefused, errOpenIDRefused}, {openid.ErrForged, errOpenIDForged},
		{login.ErrNotAllowed, errOpenIDNotAllowed}, {login.ErrNotLinked, errOpenIDNotLinked},
	} {
		if errors.Is(err, known.is) {
			o.Log.WarnContext(ctx, "a login at the OpenID provider failed", "code", known.as.Code, "error", err)
			return known.as
		}
	}
	return refusal(err)
}

// openIDChallenge is the data that is stored between the beginning and the end of a login at the OpenID provider.
type openIDChallenge struct {
	openid.Pending
	ReturnTo string `json:"returnTo"`
}

// redirect is an answer that redirects the browser.
type redirect struct {
	to      string
	cookies setCookies
}

func (r redirect) write(w http.ResponseWriter) error {
	r.cookies.write(w)
	w.Header().Set("Location", r.to)
	w.WriteHeader(http.StatusFound)
	return nil
}

// VisitStartOpenIDLoginResponse implements api.StartOpenIDLoginResponseObject.
func (r redirect) VisitStartOpenIDLoginResponse(w http.ResponseWriter) error { return r.write(w) }

// VisitFinishOpenIDLoginResponse implements api.FinishOpenIDLoginResponseObject.
func (r redirect) VisitFinishOpenIDLoginResponse(w http.ResponseWriter) error { return r.write(w) }

// maxReturnTo is the greatest length, in bytes, of the path to which the browser is redirected after the login.
const maxReturnTo = 2048

// localPath reports whether path is a path on this server. Browsers treat // and /\ as the beginning of a URL on another
// host.
func localPath(path string) bool {
	return strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "//") && len(path) <= maxReturnTo &&
		!strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r == '\\' || r >= 0x7f })
}

// StartOpenIDLogin implements api.StrictServerInterface.
func (o *Operations) StartOpenIDLogin(ctx context.Context, req api.StartOpenIDLoginRequestObject) (api.StartOpenIDLoginResponseObject, error) {
	if o.OpenID == nil {
		return nil, errNoOpenID
	}
	returnTo := "/"
	if req.Params.ReturnTo != nil {
		returnTo = *req.Params.ReturnTo
	}
	if !localPath(returnTo) {
		var v research.ValidationError
		v.Add("returnTo", "must be a path on this server, as in /tasks, of at most %d characters", maxReturnTo)
		return nil, v.Err()
	}
	address, pending, err := o.OpenID.Begin(ctx)
	if err != nil {
		return nil, o.openIDProblem(ctx, err)
	}
	data, err := json.Marshal(openIDChallenge{Pending: pending, ReturnTo: returnTo})
	if err != nil {
		return nil, err
	}
	cookies, err := o.begin(ctx, identities.OpenIDLogin, nil, data)
	return redirect{to: address, cookies: cookies}, err
}

// FinishOpenIDLogin implements api.StrictServerInterface.
func (o *Operations) FinishOpenIDLogin(ctx context.Context, req api.FinishOpenIDLoginRequestObject) (api.FinishOpenIDLoginResponseObject, error) {
	if o.OpenID == nil {
		return nil, errNoOpenID
	}
	begun, err := o.begun(ctx)
	if err != nil {
		return nil, err
	}
	identity, err := o.OpenID.Finish(ctx, begun.Pending, openid.Answer{State: value(req.Params.State), Code: value(req.Params.Code), Error: value(req.Params.Error)})
	if err != nil {
		return nil, o.openIDProblem(ctx, err)
	}
	started, err := o.Logins.OpenID(ctx, o.client(ctx), identity, o.Policy, o.oldSession(ctx))
	if err != nil {
		return nil, o.openIDProblem(ctx, err)
	}
	return redirect{to: begun.ReturnTo, cookies: setCookies{o.sessionCookie(ctx, started), o.Cookies.Gone(o.request(ctx), loginCookie)}}, nil
}

// begun returns the data of the login that this browser began. It removes the data, so that the data is used only once.
func (o *Operations) begun(ctx context.Context) (openIDChallenge, error) {
	var c openIDChallenge
	_, data, err := o.take(ctx, identities.OpenIDLogin)
	switch {
	case errors.Is(err, errNoChallenge):
		return c, errOpenIDForged
	case err != nil:
		return c, err
	}
	return c, json.Unmarshal(data, &c)
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
