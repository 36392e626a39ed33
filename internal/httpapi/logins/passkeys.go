package logins

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/google/uuid"

	"legwork/api"
	"legwork/internal/auth"
	"legwork/internal/auth/passkey"
	"legwork/internal/httpapi/problem"
	"legwork/internal/research"
	"legwork/internal/store/identities"
	"legwork/internal/wire"
)

// Refusals of passkeys.
var (
	errNoPasskeys = &problem.Problem{Status: http.StatusNotFound, Code: "not_found",
		Message: "This server takes no passkeys: PUBLIC_URL must be an https address with a host name, or localhost."}
	errPasskey = &problem.Problem{Status: http.StatusUnauthorized, Code: "passkey_refused",
		Message: "This passkey does not belong to a user of this server, or its answer is not genuine; try again, or log in another way."}
	errPasskeyStale = &problem.Problem{Status: http.StatusUnauthorized, Code: "login_stale",
		Message: "This was not begun in this browser, was finished already or took longer than ten minutes; begin it again."}
	errPasskeyKnown = &problem.Problem{Status: http.StatusConflict, Code: "passkey_known", Message: "This passkey is registered already."}
)

// passkeyProblem turns the errors of passkeys into errors for the client, and logs their causes.
func (o *Operations) passkeyProblem(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, passkey.ErrInvalid), errors.Is(err, research.ErrNotFound):
		o.Log.WarnContext(ctx, "a passkey was refused", "error", err)
		return errPasskey
	case errors.Is(err, research.ErrConflict):
		return errPasskeyKnown
	case errors.Is(err, errNoChallenge):
		return errPasskeyStale
	}
	return refusal(err)
}

// person returns a user with the user's passkeys.
func (o *Operations) person(ctx context.Context, id uuid.UUID) (passkey.Person, error) {
	user, err := o.Store.User(ctx, id)
	if err != nil {
		return passkey.Person{}, err
	}
	rows, err := o.Store.Passkeys(ctx, id)
	if err != nil {
		return passkey.Person{}, err
	}
	p := passkey.Person{ID: user.ID, Email: user.Email, Name: user.Name}
	for _, row := range rows {
		p.Passkeys = append(p.Passkeys, passkey.Credential{ID: row.ID, Data: row.Credential})
	}
	return p, nil
}

// passkeyOptions is an answer with the options for the browser, and the cookie of the registration or login.
type passkeyOptions struct {
	options any
	cookies setCookies
}

func (p passkeyOptions) write(w http.ResponseWriter) error {
	p.cookies.write(w)
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(p.options)
}

// VisitStartPasskeyRegistrationResponse implements api.StartPasskeyRegistrationResponseObject.
func (p passkeyOptions) VisitStartPasskeyRegistrationResponse(w http.ResponseWriter) error {
	return p.write(w)
}

// VisitStartPasskeyLoginResponse implements api.StartPasskeyLoginResponseObject.
func (p passkeyOptions) VisitStartPasskeyLoginResponse(w http.ResponseWriter) error {
	return p.write(w)
}

// StartPasskeyRegistration implements api.StrictServerInterface.
func (o *Operations) StartPasskeyRegistration(ctx context.Context, _ api.StartPasskeyRegistrationRequestObject) (api.StartPasskeyRegistrationResponseObject, error) {
	if o.Passkeys == nil {
		return nil, errNoPasskeys
	}
	caller := auth.CallerOf(ctx)
	person, err := o.person(ctx, *caller.UserID)
	if err != nil {
		return nil, err
	}
	options, pending, err := o.Passkeys.BeginRegistration(person)
	if err != nil {
		return nil, err
	}
	cookies, err := o.begin(ctx, identities.PasskeyRegistration, caller.UserID, pending)
	return passkeyOptions{options, cookies}, err
}

// RegisterPasskey implements api.StrictServerInterface.
func (o *Operations) RegisterPasskey(ctx context.Context, req api.RegisterPasskeyRequestObject) (api.RegisterPasskeyResponseObject, error) {
	if o.Passkeys == nil {
		return nil, errNoPasskeys
	}
	body, err := o.readBody(req.Body, req.ContentType)
	if err != nil {
		return nil, err
	}
	name, credential, err := wire.DecodeNewPasskey(body)
	if err != nil {
		return nil, err
	}
	caller := auth.CallerOf(ctx)
	user, pending, err := o.take(ctx, identities.PasskeyRegistration)
	if err != nil {
		return nil, o.passkeyProblem(ctx, err)
	}
	if user == nil || *user != *caller.UserID {
		return nil, errPasskeyStale
	}
	person, err := o.person(ctx, *user)
	if err != nil {
		return nil, err
	}
	made, err := o.Passkeys.FinishRegistration(person, pending, credential)
	if err != nil {
		return nil, o.passkeyProblem(ctx, err)
	}
	if err := o.Store.AddPasskey(ctx, caller.Actor(), *user, identities.Passkey{ID: made.ID, Name: name, Credential: made.Data}); err != nil {
		return nil, o.passkeyProblem(ctx, err)
	}
	return api.RegisterPasskey201JSONResponse{ID: passkeyID(made.ID), Name: name, CreatedAt: api.NewTime(time.Now())}, nil
}

func passkeyID(id []byte) string { return base64.RawURLEncoding.EncodeToString(id) }

// ListPasskeys implements api.StrictServerInterface.
func (o *Operations) ListPasskeys(ctx context.Context, _ api.ListPasskeysRequestObject) (api.ListPasskeysResponseObject, error) {
	rows, err := o.Store.Passkeys(ctx, *auth.CallerOf(ctx).UserID)
	if err != nil {
		return nil, err
	}
	out := api.ListPasskeys200JSONResponse{Passkeys: make([]api.Passkey, len(rows))}
	for i, row := range rows {
		out.Passkeys[i] = api.Passkey{ID: passkeyID(row.ID), Name: row.Name, CreatedAt: api.NewTime(row.CreatedAt)}
		if row.LastUsedAt != nil {
			at := api.NewTime(*row.LastUsedAt)
			out.Passkeys[i].LastUsedAt = &at
		}
	}
	return out, nil
}

// RemovePasskey implements api.StrictServerInterface.
func (o *Operations) RemovePasskey(ctx context.Context, req api.RemovePasskeyRequestObject) (api.RemovePasskeyResponseObject, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(req.ID)
	if err != nil {
		return nil, errNotFound
	}
	caller := auth.CallerOf(ctx)
	if err := o.Store.RemovePasskey(ctx, caller.Actor(), *caller.UserID, raw); err != nil {
		return nil, refusal(err)
	}
	return api.RemovePasskey204Response{}, nil
}

// StartPasskeyLogin implements api.StrictServerInterface.
func (o *Operations) StartPasskeyLogin(ctx context.Context, _ api.StartPasskeyLoginRequestObject) (api.StartPasskeyLoginResponseObject, error) {
	if o.Passkeys == nil {
		return nil, errNoPasskeys
	}
	options, pending, err := o.Passkeys.BeginLogin()
	if err != nil {
		return nil, err
	}
	cookies, err := o.begin(ctx, identities.PasskeyLogin, nil, pending)
	return passkeyOptions{options, cookies}, err
}

// LogInByPasskey implements api.StrictServerInterface.
func (o *Operations) LogInByPasskey(ctx context.Context, req api.LogInByPasskeyRequestObject) (api.LogInByPasskeyResponseObject, error) {
	if o.Passkeys == nil {
		return nil, errNoPasskeys
	}
	body, err := o.readBody(req.Body, req.ContentType)
	if err != nil {
		return nil, err
	}
	credential, err := wire.DecodePasskeyLogin(body)
	if err != nil {
		return nil, err
	}
	_, pending, err := o.take(ctx, identities.PasskeyLogin)
	if err != nil {
		return nil, o.passkeyProblem(ctx, err)
	}
	find := func(id uuid.UUID) (passkey.Person, error) { return o.person(ctx, id) }
	id, used, err := o.Passkeys.FinishLogin(find, pending, credential)
	if err != nil {
		return nil, o.passkeyProblem(ctx, err)
	}
	user, err := o.Store.User(ctx, id)
	if err != nil {
		return nil, o.passkeyProblem(ctx, err)
	}
	if err := o.Store.UsePasskey(ctx, id, used.ID, used.Data); err != nil {
		return nil, err
	}
	started, err := o.Logins.Start(ctx, o.client(ctx), user, "passkey", o.oldSession(ctx))
	if err != nil {
		return nil, refusal(err)
	}
	return o.entered(ctx, started)
}
