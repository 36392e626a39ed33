package logins

import (
	"context"
	"net/http"
	"strconv"

	"legwork/api"
	"legwork/internal/auth"
	"legwork/internal/auth/session"
	"legwork/internal/wire"
)

// exported is the answer that contains everything that is stored about a user. It is sent exactly as the database wrote
// it.
type exported []byte

// VisitExportMeResponse implements api.ExportMeResponseObject.
func (e exported) VisitExportMeResponse(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Disposition", `attachment; filename="legwork-user.json"`)
	w.Header().Set("Content-Length", strconv.Itoa(len(e)))
	_, err := w.Write(e)
	return err
}

// ExportMe implements api.StrictServerInterface.
func (o *Operations) ExportMe(ctx context.Context, _ api.ExportMeRequestObject) (api.ExportMeResponseObject, error) {
	caller := auth.CallerOf(ctx)
	document, err := o.Store.Export(ctx, caller.Actor(), *caller.UserID)
	if err != nil {
		return nil, refusal(err)
	}
	return exported(document), nil
}

// erased is the answer to an erasure. It removes the cookie of the session.
type erased struct{ cookies setCookies }

// VisitEraseMeResponse implements api.EraseMeResponseObject.
func (e erased) VisitEraseMeResponse(w http.ResponseWriter) error {
	e.cookies.write(w)
	return api.EraseMe204Response{}.VisitEraseMeResponse(w)
}

// EraseMe implements api.StrictServerInterface.
func (o *Operations) EraseMe(ctx context.Context, req api.EraseMeRequestObject) (api.EraseMeResponseObject, error) {
	body, err := o.readBody(req.Body, req.ContentType)
	if err != nil {
		return nil, err
	}
	pass, err := wire.DecodeErasure(body)
	if err != nil {
		return nil, err
	}
	caller := auth.CallerOf(ctx)
	if err := o.Logins.Erase(ctx, o.client(ctx), *caller.UserID, *caller.SessionID, pass); err != nil {
		return nil, refusal(err)
	}
	return erased{setCookies{o.Cookies.Gone(o.request(ctx), session.CookieName)}}, nil
}
