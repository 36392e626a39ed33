// Package tracing has the spans of OpenTelemetry, and the ids that the log lines and the spans of one piece of work share: of the
// request, the trace, the task and the run.
//
// Invariants:
//
//   - A context carries the ids and the present span. No function takes them as arguments.
//   - A span begins at the root, by a [Tracer], or below a span that is recorded, by [Start]. Without a Tracer there is no root, so all
//     other functions do nothing, and allocate nothing.
//   - All runs of a task belong to the trace of the request that made the task. The id of the span of a run follows from the task
//     and the run, so that the next run can link to the span of a run whose process has died.
//   - Spans have no questions, answers, prompts or texts of pages. Addresses have no credentials.
package tracing
