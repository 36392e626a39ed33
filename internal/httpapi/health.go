package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"legwork/api"
	"legwork/internal/auth"
	"legwork/internal/research"
)

// Health is the state of everything that the service depends on, at the time of a health check.
type Health struct {
	Database bool // the database answers
	ReadOnly bool // the database accepts no writes: it is a standby, or set so
	NoRoom   bool // the database answers, but its disk is full
	Stopping bool // the process is shutting down
	Off      bool // access control is off
	Insecure bool // access control is off, and other machines can reach the server
	LLM      LLM
	Browser  Browser
	Workers  []research.Worker // worker processes with a valid lease
	Running  int64             // number of running tasks
	Total    int64             // number of all tasks
}

// LLM is the state of the language model.
type LLM struct {
	Provider  string // "reader" for the built-in reader
	Model     string // empty for the built-in reader
	Connected bool   // the model answers; the built-in reader always does
	Detail    string // a sentence for people
}

// Browser is the state of the browser.
type Browser struct {
	Available bool
	Detail    string // the name of the browser, or what does not work without one
}

// healthTimeout bounds a health check, so that the answer comes in time even when the database does not answer.
const healthTimeout = 2 * time.Second

func (s *server) checkHealth(ctx context.Context) Health {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	return s.health(ctx)
}

// GetHealth implements api.StrictServerInterface. An anonymous caller learns only whether the service is healthy.
func (s *server) GetHealth(ctx context.Context, _ api.GetHealthRequestObject) (api.GetHealthResponseObject, error) {
	h := s.checkHealth(ctx)
	out := api.GetHealth200JSONResponse{
		Status: api.HealthStatusHealthy, Version: s.version, LangchainConnected: h.LLM.Connected,
		ActiveTasks: h.Running, TotalTasks: h.Total,
	}
	if !h.Database || h.ReadOnly || h.NoRoom || !h.LLM.Connected {
		out.Status = api.HealthStatusDegraded
	}
	if auth.CallerOf(ctx).Anonymous() {
		return healthSummary(out.Status), nil
	}
	out.Database.Connected, out.Database.ReadOnly, out.Database.NoRoom = h.Database, &h.ReadOnly, &h.NoRoom
	out.Browser.Available, out.Browser.Detail = h.Browser.Available, h.Browser.Detail
	out.LLM.Provider, out.LLM.Connected, out.LLM.Detail = h.LLM.Provider, h.LLM.Connected, h.LLM.Detail
	if h.LLM.Model != "" {
		out.LLM.Model = &h.LLM.Model
	}
	out.Access.Mode, out.Access.Insecure = api.HealthAccessModeRequired, h.Insecure
	if h.Off {
		out.Access.Mode = api.HealthAccessModeOff
	}
	problems := h.problems()
	out.Problems = &problems
	for _, w := range h.Workers {
		out.Workers.Live++
		out.Workers.Slots += w.Slots
		out.Workers.Running += w.Running
	}
	return out, nil
}

// problems says what does not work, and what to do about it.
func (h Health) problems() []string {
	out := []string{}
	for _, p := range []struct {
		is   bool
		text string
	}{
		{!h.Database, "The database does not answer: start PostgreSQL, or correct DATABASE_URL; legwork doctor names the cause."},
		{h.ReadOnly, "The database accepts no writes: connect to the primary, for instance by all hosts and target_session_attrs=read-write in DATABASE_URL."},
		{h.NoRoom, "The disk of the database is full: make room there; new tasks are refused until then."},
		{!h.LLM.Connected, "The language model cannot be used: " + h.LLM.Detail},
		{h.Database && len(h.Workers) == 0, "No worker is alive, so tasks wait: start legwork worker, or legwork serve."},
		{h.Insecure, "There is no access control, and other machines reach the API: set AUTH_MODE=required, or API_HOST=127.0.0.1."},
		{h.Stopping, "This process is stopping."},
	} {
		if p.is {
			out = append(out, p.text)
		}
	}
	return out
}

// healthSummary is the answer to an anonymous caller's health check.
type healthSummary api.HealthStatus

// VisitGetHealthResponse implements api.GetHealthResponseObject.
func (h healthSummary) VisitGetHealthResponse(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(api.HealthSummary{Status: api.HealthSummaryStatus(h)})
}

// GetLiveness implements api.StrictServerInterface. A process that answers at all is alive.
func (s *server) GetLiveness(context.Context, api.GetLivenessRequestObject) (api.GetLivenessResponseObject, error) {
	return api.GetLiveness200JSONResponse{ProbeJSONResponse: api.ProbeJSONResponse{Status: api.ProbeStatusOk}}, nil
}

// GetReadiness implements api.StrictServerInterface.
func (s *server) GetReadiness(ctx context.Context, _ api.GetReadinessRequestObject) (api.GetReadinessResponseObject, error) {
	if s.stopping != nil && s.stopping() { // before the checks, which may take two seconds
		return nil, errStopping
	}
	switch h := s.checkHealth(ctx); {
	case h.Stopping:
		return nil, errStopping
	case !h.Database:
		return nil, research.ErrUnavailable
	}
	return api.GetReadiness200JSONResponse{ProbeJSONResponse: api.ProbeJSONResponse{Status: api.ProbeStatusOk}}, nil
}

// GetRoot implements api.StrictServerInterface.
func (s *server) GetRoot(ctx context.Context, _ api.GetRootRequestObject) (api.GetRootResponseObject, error) {
	out := api.GetRoot200JSONResponse{
		Name: "legwork", Tasks: "/api/tasks", Openapi: "/api/openapi.yaml", Health: "/health",
		UI: "none in this build; use the API, or `legwork ask` on the command line",
	}
	if !auth.CallerOf(ctx).Anonymous() {
		out.Version = &s.version
	}
	return out, nil
}
