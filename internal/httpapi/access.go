package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"legwork/api"
	"legwork/internal/access"
	"legwork/internal/auth"
	"legwork/internal/forwarded"
	"legwork/internal/httpapi/problem"
	"legwork/internal/httpapi/requestlog"
	"legwork/internal/research"
)

// Authenticator finds the caller of a request. *auth.Authenticator and auth.Off implement it.
type Authenticator interface {
	Authenticate(r *http.Request) (auth.Caller, error)
	// Watch calls ended when the credential of a request is revoked or expires. ctx is the context of that request. The
	// caller must call stop after the stream has closed.
	Watch(ctx context.Context, ended func()) (stop func())
}

// guarded is a router that checks for each request whether the caller may call the operation. Every route is added
// through a guarded, so no route lacks the check.
type guarded struct {
	chi.Router
	server     *server
	operations map[string]string // maps a method and path, such as "GET /api/tasks", to the operationId
}

// operations reads the contract and returns a map from method and path to operationId.
func operations() (map[string]string, error) {
	var contract struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal(api.ContractJSON, &contract); err != nil {
		return nil, err
	}
	out := map[string]string{}
	for path, item := range contract.Paths {
		for method, raw := range item {
			var operation struct {
				ID string `json:"operationId"`
			}
			if json.Unmarshal(raw, &operation) == nil && operation.ID != "" { // a path also has keys that are not operations, for instance "parameters"
				out[strings.ToUpper(method)+" "+path] = operation.ID
			}
		}
	}
	return out, nil
}

// of returns the operationId of a route. It panics when the contract has no such operation, or when the operation has no
// access rule. Both are mistakes in the program.
func (g guarded) of(method, path string) string {
	operation := g.operations[method+" "+path]
	if _, ruled := g.server.rules[operation]; !ruled {
		panic(fmt.Sprintf("%s %s has no rule: give its operationId one in internal/access", method, path))
	}
	return operation
}

// handle adds the GET route of an operation that is not part of the generated code, for instance of a WebSocket.
func (g guarded) handle(operation, path string, h http.HandlerFunc) {
	if _, ruled := g.server.rules[operation]; !ruled {
		panic(fmt.Sprintf("the operation %s has no rule: give it one in internal/access", operation))
	}
	g.Router.Get(path, g.server.admit(operation, h))
}

// Group implements chi.Router.
func (g guarded) Group(add func(r chi.Router)) chi.Router {
	return g.Router.Group(func(r chi.Router) { add(guarded{r, g.server, g.operations}) })
}

// Get implements chi.Router.
func (g guarded) Get(path string, h http.HandlerFunc) {
	g.Router.Get(path, g.server.admit(g.of(http.MethodGet, path), h))
}

// Post implements chi.Router.
func (g guarded) Post(path string, h http.HandlerFunc) {
	g.Router.Post(path, g.server.admit(g.of(http.MethodPost, path), h))
}

// Put implements chi.Router.
func (g guarded) Put(path string, h http.HandlerFunc) {
	g.Router.Put(path, g.server.admit(g.of(http.MethodPut, path), h))
}

// Patch implements chi.Router.
func (g guarded) Patch(path string, h http.HandlerFunc) {
	g.Router.Patch(path, g.server.admit(g.of(http.MethodPatch, path), h))
}

// Delete implements chi.Router.
func (g guarded) Delete(path string, h http.HandlerFunc) {
	g.Router.Delete(path, g.server.admit(g.of(http.MethodDelete, path), h))
}

// admit returns a handler that checks whether the caller of a request may call the operation. If so, it calls next with
// the caller in the context. If not, it answers with an error. A public operation treats a request with an invalid
// credential like one without a credential: a browser that logs in again may still send the cookie of a session that has
// ended.
func (s *server) admit(operation string, next http.HandlerFunc) http.HandlerFunc {
	rule := s.rules[operation]
	return func(w http.ResponseWriter, r *http.Request) {
		requestlog.Name(r.Context(), operation)
		if rule.Entry {
			if err := s.loginRate.take(w, r, "login:"+network(forwarded.From(r.Context()).Address), "client address"); err != nil {
				s.fail(w, r, err)
				return
			}
		}
		caller, err := s.auth.Authenticate(r)
		switch {
		case err != nil && !rule.Public:
			s.fail(w, r, err)
			return
		case err != nil:
			caller.Principal = access.Principal{Kind: access.ByNobody}
		case caller.KeyID != "":
			if err := s.keyRate.take(w, r, "key:"+caller.KeyID, "API key"); err != nil {
				s.fail(w, r, err)
				return
			}
		}
		if p := refusal(access.Decide(s.rules, caller.Principal, operation), rule, caller.Principal); p != nil {
			if p.Code == "insufficient_scope" { // RFC 6750 §3.1
				w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer error="insufficient_scope", scope=%q`, string(rule.Scope)))
			}
			s.fail(w, r, p)
			return
		}
		next(w, r.WithContext(auth.With(r.Context(), caller)))
	}
}

// refusal returns the error that a client gets for a verdict. It returns nil when the verdict is that the operation is
// allowed.
func refusal(v access.Verdict, rule access.Rule, p access.Principal) *problem.Problem {
	switch v {
	case access.Allowed:
		return nil
	case access.NoLogin:
		return problem.NoLogin
	case access.NoRole:
		return problem.New(http.StatusForbidden, "forbidden", fmt.Sprintf(
			"This needs the role %s or a higher one; yours in this account is %s. Ask an administrator of the account.", rule.Role, p.Role))
	case access.NoScope:
		return problem.New(http.StatusForbidden, "insufficient_scope", fmt.Sprintf("This credential lacks the scope %s; use a key that has it.", rule.Scope))
	case access.NoSession:
		return problem.New(http.StatusForbidden, "session_required", "This works in a browser session only; log in.")
	case access.NoServer:
		return problem.New(http.StatusForbidden, "forbidden", "This is about the whole server, so it is only for the account "+research.DefaultAccount+".")
	case access.Unknown:
	}
	return problem.New(http.StatusForbidden, "forbidden", "Nobody may do this.")
}
