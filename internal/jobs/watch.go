package jobs

import (
	"cmp"
	"context"

	"go.opentelemetry.io/otel/attribute"

	"legwork/internal/metrics"
	"legwork/internal/research"
	"legwork/internal/tracing"
)

// Watch is what watches the tasks and runs of a process. The zero Watch watches nothing.
type Watch struct {
	Metrics *metrics.Metrics
	Tracer  *tracing.Tracer
}

// Watch makes w watch this process. Call it before the first submission.
func (s *Service) Watch(w Watch) { s.watching = w }

// begin begins to watch a run. The contexts that it returns carry the ids of the run, and its span: ctx and runCtx are those of the job
// and of the run. The caller must call over at the end of the run.
func (w Watch) begin(ctx, runCtx context.Context, c *run) (job, run context.Context, over func()) {
	from := tracing.Origin(c.task.From)
	runCtx = tracing.WithRun(runCtx, c.task.ID, c.epoch, from)
	runCtx, span := w.Tracer.Run(runCtx, c.task.ID, c.epoch, from)
	if c.spent == 0 && c.task.StartedAt != nil {
		w.Metrics.Waited(c.task.StartedAt.Sub(c.task.CreatedAt))
	}
	ended := w.Metrics.RunBegan()
	return tracing.Copy(ctx, runCtx), runCtx, func() {
		outcome := cmp.Or(c.outcome, "stopped")
		ended(outcome)
		if !span.On() {
			return
		}
		span.Set(attribute.String(tracing.TaskID, c.task.ID.String()), attribute.Int(tracing.Run, c.epoch), attribute.Int(tracing.Try, c.try),
			attribute.String(tracing.Outcome, outcome), attribute.String(tracing.RequestID, from.Request),
			attribute.String(tracing.GenAIOperation, "invoke_agent"), attribute.String(tracing.GenAIAgent, "legwork"),
			attribute.String(tracing.GenAIConversation, c.task.ID.String()), attribute.String(tracing.GenAIProvider, c.task.Pin.Provider),
			attribute.String(tracing.GenAIModel, c.task.Pin.Model))
		if outcome == string(research.Failed) {
			span.Fail(outcome)
		}
		span.End()
	}
}

// note records how a run has ended, if it has.
func (c *run) note(outcome string, err error) error {
	if err == nil {
		c.outcome = outcome
	}
	return err
}
