package logins

import (
	"context"
	"net/url"
	"time"

	"github.com/google/uuid"

	"legwork/api"
	"legwork/internal/access"
	"legwork/internal/auth"
	"legwork/internal/auth/login"
	"legwork/internal/auth/token"
	"legwork/internal/research"
	"legwork/internal/store/identities"
	"legwork/internal/wire"
)

// AcceptInvitation implements api.StrictServerInterface.
func (o *Operations) AcceptInvitation(ctx context.Context, req api.AcceptInvitationRequestObject) (api.AcceptInvitationResponseObject, error) {
	if o.Off {
		return nil, errNoUsers
	}
	body, err := o.readBody(req.Body, req.ContentType)
	if err != nil {
		return nil, err
	}
	in, err := wire.DecodeInvitationAcceptance(body)
	if err != nil {
		return nil, err
	}
	started, err := o.accept(ctx, login.Acceptance{Token: in.Token, Email: in.Email, Name: in.Name, Password: in.Password})
	if err != nil {
		return nil, err
	}
	return o.entered(ctx, started)
}

// accept accepts an invitation. If the caller is logged in, it accepts as that user.
func (o *Operations) accept(ctx context.Context, in login.Acceptance) (login.Started, error) {
	var user *uuid.UUID
	if caller := auth.CallerOf(ctx); caller.Kind == access.BySession {
		user = caller.UserID
	}
	if in.Email != "" && !o.Passwords {
		return login.Started{}, errPasswordsOff
	}
	started, err := o.Logins.Accept(ctx, o.client(ctx), in, user, o.oldSession(ctx))
	return started, refusal(err)
}

// CreateInvitation implements api.StrictServerInterface.
func (o *Operations) CreateInvitation(ctx context.Context, req api.CreateInvitationRequestObject) (api.CreateInvitationResponseObject, error) {
	body, err := o.readBody(req.Body, req.ContentType)
	if err != nil {
		return nil, err
	}
	in, err := wire.DecodeNewInvitation(body)
	if err != nil {
		return nil, err
	}
	email := ""
	if in.Email != "" {
		var ok bool
		if email, ok = login.Email(in.Email); !ok {
			var v research.ValidationError
			v.Add("email", "must be an e-mail address")
			return nil, v.Err()
		}
	}
	caller, made := auth.CallerOf(ctx), token.New()
	row, err := o.Store.CreateInvitation(ctx, caller.Actor(), caller.Role, identities.NewInvitation{ID: made.ID, SecretHash: made.Secret.Hash(),
		AccountID: caller.AccountID, Email: email, Role: in.Role, CreatedBy: caller.UserID, Lifetime: time.Duration(in.Hours) * time.Hour})
	if err != nil {
		return nil, refusal(err)
	}
	out := api.CreateInvitation201JSONResponse{Invitation: invitation(row), Token: made.Text()}
	if o.PublicURL != "" {
		link := o.PublicURL + "/setup?token=" + url.QueryEscape(made.Text())
		out.Link = &link
	}
	return out, nil
}

// ListInvitations implements api.StrictServerInterface.
func (o *Operations) ListInvitations(ctx context.Context, _ api.ListInvitationsRequestObject) (api.ListInvitationsResponseObject, error) {
	out := api.ListInvitations200JSONResponse{Invitations: []api.Invitation{}}
	rows, err := o.Store.Invitations(ctx, auth.CallerOf(ctx).AccountID)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		out.Invitations = append(out.Invitations, invitation(row))
	}
	return out, nil
}

func invitation(row identities.Invitation) api.Invitation {
	out := api.Invitation{ID: row.ID.String(), Role: api.Role(row.Role), CreatedAt: api.NewTime(row.CreatedAt), ExpiresAt: api.NewTime(row.ExpiresAt)}
	if row.Email != "" {
		out.Email = &row.Email
	}
	if row.CreatedBy != nil {
		by := row.CreatedBy.String()
		out.CreatedBy = &by
	}
	if row.AcceptedAt != nil {
		at := api.NewTime(*row.AcceptedAt)
		out.AcceptedAt = &at
	}
	return out
}

// RevokeInvitation implements api.StrictServerInterface.
func (o *Operations) RevokeInvitation(ctx context.Context, req api.RevokeInvitationRequestObject) (api.RevokeInvitationResponseObject, error) {
	invited, err := id(req.ID)
	if err != nil {
		return nil, err
	}
	caller := auth.CallerOf(ctx)
	if err := o.Store.RevokeInvitation(ctx, caller.Actor(), caller.Role, caller.AccountID, invited); err != nil {
		return nil, refusal(err)
	}
	return api.RevokeInvitation204Response{}, nil
}
