package logins

import (
	"context"
	"net/http"

	"legwork/api"
	"legwork/internal/access"
	"legwork/internal/auth"
	"legwork/internal/auth/login"
	"legwork/internal/auth/session"
	"legwork/internal/wire"
)

// GetLoginMethods implements api.StrictServerInterface.
func (o *Operations) GetLoginMethods(context.Context, api.GetLoginMethodsRequestObject) (api.GetLoginMethodsResponseObject, error) {
	out := api.GetLoginMethods200JSONResponse{Mode: api.LoginMethodsModeRequired, Password: o.Passwords, Passkeys: o.Passkeys != nil}
	if o.Off {
		return api.GetLoginMethods200JSONResponse{Mode: api.LoginMethodsModeOff}, nil
	}
	if o.OpenID != nil {
		out.Openid = &o.OpenIDName
	}
	return out, nil
}

// meWithCookies is an answer that describes the caller and sets cookies.
type meWithCookies struct {
	me      api.Me
	cookies setCookies
}

func (m meWithCookies) answer() api.MeJSONResponse { return api.MeJSONResponse(m.me) }

// VisitLogInResponse implements api.LogInResponseObject.
func (m meWithCookies) VisitLogInResponse(w http.ResponseWriter) error {
	m.cookies.write(w)
	return api.LogIn200JSONResponse{MeJSONResponse: m.answer()}.VisitLogInResponse(w)
}

// VisitAcceptInvitationResponse implements api.AcceptInvitationResponseObject.
func (m meWithCookies) VisitAcceptInvitationResponse(w http.ResponseWriter) error {
	m.cookies.write(w)
	return api.AcceptInvitation200JSONResponse{MeJSONResponse: m.answer()}.VisitAcceptInvitationResponse(w)
}

// VisitLogInByPasskeyResponse implements api.LogInByPasskeyResponseObject.
func (m meWithCookies) VisitLogInByPasskeyResponse(w http.ResponseWriter) error {
	m.cookies.write(w)
	return api.LogInByPasskey200JSONResponse{MeJSONResponse: m.answer()}.VisitLogInByPasskeyResponse(w)
}

// entered returns the answer to a login, which describes the user and sets the cookie of the session.
func (o *Operations) entered(ctx context.Context, s login.Started) (meWithCookies, error) {
	me, err := o.started(ctx, s)
	return meWithCookies{me: me, cookies: setCookies{o.sessionCookie(ctx, s)}}, err
}

// LogIn implements api.StrictServerInterface.
func (o *Operations) LogIn(ctx context.Context, req api.LogInRequestObject) (api.LogInResponseObject, error) {
	switch {
	case o.Off:
		return nil, errNoUsers
	case !o.Passwords:
		return nil, errPasswordsOff
	}
	body, err := o.readBody(req.Body, req.ContentType)
	if err != nil {
		return nil, err
	}
	in, err := wire.DecodeLogin(body)
	if err != nil {
		return nil, err
	}
	email, ok := login.Email(in.Email)
	if !ok { // an invalid address gets the same answer as an unknown one
		return nil, errWrongLogin
	}
	started, err := o.Logins.Password(ctx, o.client(ctx), email, in.Password, o.oldSession(ctx))
	if err != nil {
		return nil, refusal(err)
	}
	return o.entered(ctx, started)
}

// loggedOut is the answer to a logout: it removes the cookie.
type loggedOut struct{ cookies setCookies }

// VisitLogOutResponse implements api.LogOutResponseObject.
func (l loggedOut) VisitLogOutResponse(w http.ResponseWriter) error {
	l.cookies.write(w)
	return api.LogOut204Response{}.VisitLogOutResponse(w)
}

// LogOut implements api.StrictServerInterface.
func (o *Operations) LogOut(ctx context.Context, _ api.LogOutRequestObject) (api.LogOutResponseObject, error) {
	caller := auth.CallerOf(ctx)
	if caller.SessionID == nil || caller.Kind != access.BySession {
		return api.LogOut204Response{}, nil
	}
	if err := o.Store.RevokeSession(ctx, caller.Actor(), *caller.UserID, *caller.SessionID); err != nil {
		return nil, refusal(err)
	}
	return loggedOut{setCookies{o.Cookies.Gone(o.request(ctx), session.CookieName)}}, nil
}

// GetMe implements api.StrictServerInterface.
func (o *Operations) GetMe(ctx context.Context, _ api.GetMeRequestObject) (api.GetMeResponseObject, error) {
	me, err := o.me(ctx, auth.CallerOf(ctx).Principal)
	if err != nil {
		return nil, err
	}
	return api.GetMe200JSONResponse{MeJSONResponse: api.MeJSONResponse(me)}, nil
}

// ChangePassword implements api.StrictServerInterface.
func (o *Operations) ChangePassword(ctx context.Context, req api.ChangePasswordRequestObject) (api.ChangePasswordResponseObject, error) {
	body, err := o.readBody(req.Body, req.ContentType)
	if err != nil {
		return nil, err
	}
	current, next, err := wire.DecodePasswordChange(body)
	if err != nil {
		return nil, err
	}
	caller := auth.CallerOf(ctx)
	if err := o.Logins.ChangePassword(ctx, o.client(ctx), *caller.UserID, *caller.SessionID, current, next); err != nil {
		return nil, refusal(err)
	}
	return api.ChangePassword204Response{}, nil
}
