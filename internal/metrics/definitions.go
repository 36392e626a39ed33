package metrics

import "github.com/prometheus/client_golang/prometheus"

// instruments are the metrics that the parts of the process count by themselves.
type instruments struct {
	info gauge

	requests, requestErrors counter
	requestSeconds          histogram

	submitted, ended, budgetEnded counter
	taskSeconds, waitSeconds      histogram
	runsEnded                     counter
	runsNow                       gauge
	runSeconds                    histogram

	steps       counter
	stepSeconds histogram

	modelCalls, modelTokens, modelDollars counter
	modelSeconds                          histogram

	pages, pageBytes counter
	pageSeconds      histogram
	searches         counter

	streams        gauge
	streamMessages counter
	deliverySecs   histogram
	notifies       counter
	notifyTasks    counter
	notifySeconds  histogram

	browserStarts counter
	logLines      counter
}

// Buckets of histograms, in seconds.
var (
	fastBuckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}       // requests and notifications
	workBuckets = []float64{.01, .05, .1, .25, .5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300}          // pages, steps, calls of models
	taskBuckets = []float64{.05, .1, .5, 1, 5, 10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200} // tasks, runs, waits
)

// define makes all instruments. The order is that of the documentation.
func define(d *definer) (i instruments) {
	i.info = d.gauge("legwork_build_info", "Always 1. Its labels name the version and the role of the process.", "version", "role")

	i.requests = d.counter("legwork_http_requests_total",
		"Requests that were answered. operation is the operationId of the contract, or none. A stream counts when it ends.", "operation", "status")
	i.requestErrors = d.counter("legwork_http_request_errors_total",
		"Requests that were answered with an error, by its errorCode. rate_limited, budget_exhausted and queue_full are refusals by limits.", "code")
	i.requestSeconds = d.histogram("legwork_http_request_duration_seconds", "Time to answer a request, without streams.", fastBuckets, "operation")

	i.submitted = d.counter("legwork_tasks_submitted_total", "Tasks that this process has accepted.", "effort")
	i.ended = d.counter("legwork_tasks_ended_total",
		"Tasks that this process has ended, by status (completed, failed, cancelled) and error code. answered says whether a completed task answers "+
			"its question.", "status", "code", "answered")
	i.budgetEnded = d.counter("legwork_tasks_budget_ended_total", "Tasks whose research was ended by a budget of theirs, with an answer from what was found.", "budget")
	i.taskSeconds = d.histogram("legwork_task_duration_seconds", "Time from the first run of a task to its end.", taskBuckets, "status")
	i.waitSeconds = d.histogram("legwork_task_wait_seconds", "Time from the submission of a task to its first run.", taskBuckets)
	i.runsNow = d.gauge("legwork_runs_running", "Runs that this process works on.")
	i.runsEnded = d.counter("legwork_runs_ended_total",
		"Runs that have ended in this process. outcome is completed, failed, cancelled, retry, handed_back, waiting (for a plan or for children), or "+
			"stopped (the task was cancelled or went to another worker). lost counts the runs of dead workers that this process gave to the queue again.", "outcome")
	i.runSeconds = d.histogram("legwork_run_duration_seconds", "Time of a run, from claim to exit.", taskBuckets)

	i.steps = d.counter("legwork_steps_total", "Steps that were journaled. tool is model for replies of a model. outcome is ok or failed.", "tool", "outcome")
	i.stepSeconds = d.histogram("legwork_step_duration_seconds", "Time of a step, without its transaction.", workBuckets, "tool")

	i.modelCalls = d.counter("legwork_model_calls_total", "Attempts to call the language model. result is ok, cancelled, or the kind of the error.", "provider", "model", "result")
	i.modelSeconds = d.histogram("legwork_model_call_duration_seconds", "Time of one attempt, without the wait for a free slot.", workBuckets, "provider", "model")
	i.modelTokens = d.counter("legwork_model_tokens_total",
		"Tokens as the provider counts them. direction is input or output; cached is the part of input that came from the provider's cache.", "provider", "model", "direction")
	i.modelDollars = d.counter("legwork_model_cost_dollars_total",
		"Cost of the replies that were journaled, by MODEL_PRICES. Models without a price cost nothing here.", "provider", "model")

	i.pages = d.counter("legwork_pages_total",
		"Pages that runs have opened, by outcome. source is http, browser (read again after its scripts) or snapshot (no request was made).", "outcome", "source")
	i.pageSeconds = d.histogram("legwork_page_duration_seconds", "Time to load and read a page, with the waits for politeness, without snapshots.", workBuckets, "source")
	i.pageBytes = d.counter("legwork_page_bytes_total", "Bytes of the documents that were loaded, after decompression.")
	i.searches = d.counter("legwork_searches_total",
		"Searches of runs. engine is the one that gave the results. outcome is ok, empty, or failed if no engine answered.", "engine", "outcome")

	i.streams = d.gauge("legwork_stream_clients", "Open streams of events. protocol is websocket or sse.", "protocol")
	i.streamMessages = d.counter("legwork_stream_messages_total", "Messages that were written to streams.", "protocol")
	i.deliverySecs = d.histogram("legwork_stream_delivery_seconds",
		"Lag of streams: time from an event to its being written to a client whose stream was open already. The first is by the clock of the database, "+
			"the second by that of this process.", fastBuckets, "protocol")
	i.notifies = d.counter("legwork_notify_flushes_total",
		"Batches of announcements that were sent to other processes by NOTIFY. result is ok, or failed after all tries.", "result")
	i.notifyTasks = d.counter("legwork_notify_tasks_total", "Tasks that these batches were about. Divided by the flushes it is the size of a batch.")
	i.notifySeconds = d.histogram("legwork_notify_flush_seconds", "Time to send a batch, with repeated tries.", fastBuckets)

	i.browserStarts = d.counter("legwork_browser_starts_total", "Starts of Chromium. result is ok, failed, or lost for one that ended unexpectedly.", "result")
	i.logLines = d.counter("legwork_log_lines_total", "Log lines that were written, by level.", "level")
	return i
}

// described is a metric whose value is read when the metrics are.
type described struct {
	Definition
	desc *prometheus.Desc
	kind prometheus.ValueType
}

func describe(kind, name, help string, shared bool, labels ...string) described {
	d := described{Definition: Definition{Name: name, Type: kind, Help: help, Labels: labels, Shared: shared},
		desc: prometheus.NewDesc(name, help, labels, nil), kind: prometheus.GaugeValue}
	if kind == "counter" {
		d.kind = prometheus.CounterValue
	}
	return d
}

func (d described) send(ch chan<- prometheus.Metric, value float64, labels ...string) {
	ch <- prometheus.MustNewConstMetric(d.desc, d.kind, value, labels...)
}
