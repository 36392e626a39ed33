package logins

import (
	"context"

	"legwork/api"
	"legwork/internal/auth"
	"legwork/internal/auth/token"
	"legwork/internal/wire"
)

// ListSessions implements api.StrictServerInterface.
func (o *Operations) ListSessions(ctx context.Context, _ api.ListSessionsRequestObject) (api.ListSessionsResponseObject, error) {
	caller := auth.CallerOf(ctx)
	rows, err := o.Store.Sessions(ctx, *caller.UserID, o.Idle)
	if err != nil {
		return nil, err
	}
	out := api.ListSessions200JSONResponse{Sessions: make([]api.Session, len(rows))}
	for i, row := range rows {
		s := api.Session{ID: row.ID.String(), Current: row.ID == *caller.SessionID, AccountID: row.AccountID, CreatedAt: api.NewTime(row.CreatedAt),
			LastSeenAt: api.NewTime(row.LastSeenAt), ExpiresAt: api.NewTime(row.ExpiresAt), UserAgent: row.UserAgent}
		if row.Address != nil {
			address := row.Address.String()
			s.Address = &address
		}
		out.Sessions[i] = s
	}
	return out, nil
}

// RevokeSession implements api.StrictServerInterface.
func (o *Operations) RevokeSession(ctx context.Context, req api.RevokeSessionRequestObject) (api.RevokeSessionResponseObject, error) {
	caller := auth.CallerOf(ctx)
	session, err := id(req.ID)
	if err != nil {
		return nil, err
	}
	if err := o.Store.RevokeSession(ctx, caller.Actor(), *caller.UserID, session); err != nil {
		return nil, refusal(err)
	}
	return api.RevokeSession204Response{}, nil
}

// SwitchAccount implements api.StrictServerInterface.
func (o *Operations) SwitchAccount(ctx context.Context, req api.SwitchAccountRequestObject) (api.SwitchAccountResponseObject, error) {
	body, err := o.readBody(req.Body, req.ContentType)
	if err != nil {
		return nil, err
	}
	account, err := wire.DecodeAccountChoice(body)
	if err != nil {
		return nil, err
	}
	caller := auth.CallerOf(ctx)
	if err := o.Store.SwitchAccount(ctx, caller.Actor(), *caller.UserID, *caller.SessionID, account); err != nil {
		return nil, refusal(err)
	}
	row, err := o.Store.SessionCredential(ctx, *caller.SessionID, o.Idle)
	if err != nil {
		return nil, refusal(err)
	}
	p := caller.Principal
	p.AccountID, p.Role = row.AccountID, row.Role
	me, err := o.me(ctx, p)
	if err != nil {
		return nil, err
	}
	return api.SwitchAccount200JSONResponse{MeJSONResponse: api.MeJSONResponse(me)}, nil
}

// ticketSeconds is how long a ticket is valid, in seconds.
const ticketSeconds = 30

// CreateStreamTicket implements api.StrictServerInterface.
func (o *Operations) CreateStreamTicket(ctx context.Context, _ api.CreateStreamTicketRequestObject) (api.CreateStreamTicketResponseObject, error) {
	caller := auth.CallerOf(ctx)
	secret := token.NewSecret()
	answer := api.CreateStreamTicket201JSONResponse{Ticket: string(secret), ExpiresIn: ticketSeconds}
	switch {
	case o.Off: // tickets are not checked without access control, so any value works
		return answer, nil
	case caller.SessionID == nil && caller.KeyID == "":
		return nil, errTicketKind
	}
	if err := o.Store.CreateTicket(ctx, secret.Hash(), caller.Principal); err != nil {
		return nil, err
	}
	return answer, nil
}
