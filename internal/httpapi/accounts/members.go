package accounts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"legwork/api"
	"legwork/internal/auth"
	"legwork/internal/httpapi/problem"
	"legwork/internal/research"
	"legwork/internal/store/identities"
	"legwork/internal/wire"
)

// ListMembers implements api.StrictServerInterface.
func (h *Handlers) ListMembers(ctx context.Context, _ api.ListMembersRequestObject) (api.ListMembersResponseObject, error) {
	members, err := h.store.Members(ctx, auth.CallerOf(ctx).AccountID)
	if err != nil {
		return nil, err
	}
	out := api.ListMembers200JSONResponse{Members: make([]api.Member, len(members))}
	for i, m := range members {
		out.Members[i] = memberJSON(m)
	}
	return out, nil
}

// ChangeMember implements api.StrictServerInterface.
func (h *Handlers) ChangeMember(ctx context.Context, req api.ChangeMemberRequestObject) (api.ChangeMemberResponseObject, error) {
	body, err := h.readBody(req.Body, req.ContentType)
	if err != nil {
		return nil, err
	}
	role, err := wire.DecodeRole(body)
	if err != nil {
		return nil, err
	}
	user, err := wire.ParseID(req.UserID)
	if err != nil {
		return nil, notFound(err, "member")
	}
	caller := auth.CallerOf(ctx)
	member, err := h.store.ChangeRole(ctx, caller.Actor(), caller.Role, caller.AccountID, user, role)
	if err != nil {
		return nil, memberProblem(err)
	}
	return api.ChangeMember200JSONResponse(memberJSON(member)), nil
}

// RemoveMember implements api.StrictServerInterface.
func (h *Handlers) RemoveMember(ctx context.Context, req api.RemoveMemberRequestObject) (api.RemoveMemberResponseObject, error) {
	user, err := wire.ParseID(req.UserID)
	if err != nil {
		return nil, notFound(err, "member")
	}
	caller := auth.CallerOf(ctx)
	if err := h.store.RemoveMember(ctx, caller.Actor(), caller.Role, caller.AccountID, user); err != nil {
		return nil, memberProblem(err)
	}
	return api.RemoveMember204Response{}, nil
}

func memberProblem(err error) error {
	switch {
	case errors.Is(err, identities.ErrLastOwner):
		return &problem.Problem{Status: http.StatusConflict, Code: "last_owner", Message: "This is the last owner of the account; make another member owner first."}
	case errors.Is(err, identities.ErrRoleTooHigh):
		return &problem.Problem{Status: http.StatusForbidden, Code: "forbidden", Message: "This concerns a role above yours; ask an owner of the account."}
	}
	return notFound(err, "member")
}

func memberJSON(m identities.Member) api.Member {
	return api.Member{UserID: m.UserID.String(), Email: m.Email, Name: m.Name, Role: api.Role(m.Role), Since: api.NewTime(m.Since),
		LastLoginAt: moment(m.LastLoginAt), Disabled: m.DisabledAt != nil}
}

// Bounds of a page of the audit log.
const (
	defaultEntries = 100
	maxEntries     = 500
	maxAction      = 100 // greatest length of an action in characters
)

// ListAudit implements api.StrictServerInterface.
func (h *Handlers) ListAudit(ctx context.Context, req api.ListAuditRequestObject) (api.ListAuditResponseObject, error) {
	f, err := auditFilter(req.Params)
	if err != nil {
		return nil, err
	}
	limit := f.Limit
	f.Limit++ // one entry more than the page shows whether there is a next page
	entries, err := h.store.Audit(ctx, auth.CallerOf(ctx).AccountID, f)
	if err != nil {
		return nil, err
	}
	out := api.ListAudit200JSONResponse{Entries: []api.AuditEntry{}}
	if len(entries) > limit {
		entries = entries[:limit]
		out.NextBefore = &entries[limit-1].ID
	}
	for _, e := range entries {
		entry, err := auditJSON(e)
		if err != nil {
			return nil, err
		}
		out.Entries = append(out.Entries, entry)
	}
	return out, nil
}

func auditFilter(p api.ListAuditParams) (identities.AuditFilter, error) {
	f := identities.AuditFilter{Limit: defaultEntries}
	var bad research.ValidationError
	if p.Limit != nil {
		if f.Limit = *p.Limit; f.Limit < 1 || f.Limit > maxEntries {
			bad.Add("limit", "must be an integer from 1 to %d", maxEntries)
		}
	}
	if p.Before != nil {
		if f.Before = *p.Before; f.Before < 1 {
			bad.Add("before", "must be the nextBefore of an earlier answer")
		}
	}
	if p.Action != nil {
		if f.Action = *p.Action; len(f.Action) > maxAction || !isAction(f.Action) {
			bad.Add("action", "must be an action, as in key.create")
		}
	}
	return f, bad.Err()
}

// isAction reports whether a text consists only of characters that occur in the names of actions in the audit log.
func isAction(s string) bool {
	for _, c := range s {
		if (c < 'a' || c > 'z') && c != '_' && c != '.' {
			return false
		}
	}
	return s != ""
}

func auditJSON(e identities.AuditEntry) (api.AuditEntry, error) {
	out := api.AuditEntry{ID: e.ID, At: api.NewTime(e.At), ActorKind: api.AuditEntryActorKind(e.Kind), ActorID: e.ActorID,
		Action: e.Action, Target: e.Target, Details: map[string]any{}}
	if e.Address != nil {
		address := e.Address.String()
		out.Address = &address
	}
	if err := json.Unmarshal(e.Details, &out.Details); err != nil {
		return out, fmt.Errorf("details of audit entry %d: %w", e.ID, err)
	}
	return out, nil
}
