package runenv

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"legwork/internal/page"
	"legwork/internal/research"
	"legwork/internal/search"
	"legwork/internal/tracing"
)

// load reads a page from the web.
func (r *Run) load(ctx context.Context, at page.Address) (research.Visit, error) {
	ctx, span := tracing.Call(ctx, "page", "")
	defer span.End()
	began := time.Now()
	v, err := r.web.Load(ctx, at)
	if err != nil {
		span.Fail("stopped")
		return v, err
	}
	source := "http"
	if v.Rendered {
		source = "browser"
	}
	r.cfg.Metrics.PageOpened(string(v.Outcome), source, time.Since(began), v.Bytes)
	if span.On() {
		span.Set(attribute.String(tracing.HTTPMethod, "GET"), attribute.String(tracing.URLFull, v.FinalURL), attribute.Int(tracing.HTTPStatus, v.Status),
			attribute.String(tracing.Outcome, string(v.Outcome)), attribute.String("legwork.source", source))
		if u, err := page.ParseURL(v.FinalURL); err == nil {
			span.Set(attribute.String(tracing.ServerHost, u.Hostname()))
		}
		if v.Outcome != research.OutcomeOK {
			span.Fail(string(v.Outcome))
		}
	}
	return v, nil
}

// search asks the search engine of the task, or one that replaces it.
func (r *Run) search(ctx context.Context, query string) (search.Answer, error) {
	o := r.cfg.Task.Options
	ctx, span := tracing.Call(ctx, "search", string(o.SearchEngine))
	defer span.End()
	answer, err := r.cfg.Engines.Search(ctx, o.SearchEngine, search.Query{
		Account: r.cfg.Task.AccountID, Text: query, Limit: o.MaxResults, SafeMode: o.SafeMode})
	if err != nil {
		span.Fail("stopped")
		return answer, err
	}
	engine, outcome := string(answer.Used), "ok"
	switch {
	case engine == "":
		engine, outcome = string(o.SearchEngine), "failed"
	case len(answer.Results) == 0:
		outcome = "empty"
	}
	r.cfg.Metrics.Searched(engine, outcome)
	span.Set(attribute.String("legwork.engine", engine), attribute.String(tracing.Outcome, outcome), attribute.Int("legwork.results", len(answer.Results)))
	return answer, nil
}

// count counts a step that was journaled.
func (r *Run) count(step research.Step) {
	tool := step.Tool
	if step.Kind == research.ModelStep {
		tool = "model"
	}
	r.cfg.Metrics.Stepped(tool, step.Success, step.Duration)
	if step.CostUSD != nil {
		r.cfg.Metrics.Cost(r.cfg.Task.Pin.Provider, r.cfg.Task.Pin.Model, *step.CostUSD)
	}
}
