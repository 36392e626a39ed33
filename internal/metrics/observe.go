package metrics

import (
	"strconv"
	"time"
)

// Requested counts a request that was answered. operation is empty if there is no such operation. took is negative for a stream.
func (m *Metrics) Requested(operation string, status int, took time.Duration) {
	if m == nil {
		return
	}
	if operation == "" {
		operation = "none"
	}
	m.requests.add(1, operation, strconv.Itoa(status))
	if took >= 0 {
		m.requestSeconds.observe(took, operation)
	}
}

// RequestFailed counts an error envelope.
func (m *Metrics) RequestFailed(code string) {
	if m != nil {
		m.requestErrors.add(1, code)
	}
}

// Submitted counts a task that was accepted.
func (m *Metrics) Submitted(effort string) {
	if m != nil {
		m.submitted.add(1, effort)
	}
}

// TaskEnd describes the end of a task.
type TaskEnd struct {
	Status   string
	Code     string // error code; empty without an error
	Answered *bool  // nil if the task is not completed
	Seconds  *float64
	Budget   string // the budget that ended the research; empty if none did
}

// Ended counts the end of a task.
func (m *Metrics) Ended(e TaskEnd) {
	if m == nil {
		return
	}
	answered := ""
	if e.Answered != nil {
		answered = strconv.FormatBool(*e.Answered)
	}
	m.ended.add(1, e.Status, e.Code, answered)
	if e.Seconds != nil {
		m.taskSeconds.observe(seconds(*e.Seconds), e.Status)
	}
	if e.Budget != "" {
		m.budgetEnded.add(1, e.Budget)
	}
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// Waited counts the wait of a task for its first run.
func (m *Metrics) Waited(d time.Duration) {
	if m != nil {
		m.waitSeconds.observe(d)
	}
}

// RunBegan counts a run until the function that it returns is called with the outcome.
func (m *Metrics) RunBegan() (ended func(outcome string)) {
	if m == nil {
		return func(string) {}
	}
	began := time.Now()
	m.runsNow.add(1)
	return func(outcome string) {
		m.runsNow.add(-1)
		m.runsEnded.add(1, outcome)
		m.runSeconds.observe(time.Since(began))
	}
}

// RunLost counts the run of a dead worker that was given to the queue again.
func (m *Metrics) RunLost() {
	if m != nil {
		m.runsEnded.add(1, "lost")
	}
}

// Stepped counts a step that was journaled.
func (m *Metrics) Stepped(tool string, ok bool, took time.Duration) {
	if m == nil {
		return
	}
	m.steps.add(1, tool, result(ok))
	m.stepSeconds.observe(took, tool)
}

func result(ok bool) string {
	if ok {
		return "ok"
	}
	return "failed"
}

// ModelCall is one attempt to call a language model.
type ModelCall struct {
	Provider, Model       string
	Result                string // ok, cancelled, or the kind of the error
	Took                  time.Duration
	Input, Output, Cached int64 // tokens
}

// ModelCalled counts an attempt to call a language model.
func (m *Metrics) ModelCalled(c ModelCall) {
	if m == nil {
		return
	}
	m.modelCalls.add(1, c.Provider, c.Model, c.Result)
	m.modelSeconds.observe(c.Took, c.Provider, c.Model)
	m.modelTokens.add(float64(c.Input), c.Provider, c.Model, "input")
	m.modelTokens.add(float64(c.Output), c.Provider, c.Model, "output")
	m.modelTokens.add(float64(c.Cached), c.Provider, c.Model, "cached")
}

// Cost adds the cost of a reply.
func (m *Metrics) Cost(provider, model string, dollars float64) {
	if m != nil {
		m.modelDollars.add(dollars, provider, model)
	}
}

// PageOpened counts a page that a run has opened.
func (m *Metrics) PageOpened(outcome, source string, took time.Duration, bytes int64) {
	if m == nil {
		return
	}
	m.pages.add(1, outcome, source)
	m.pageBytes.add(float64(bytes))
	if source != "snapshot" {
		m.pageSeconds.observe(took, source)
	}
}

// Searched counts a search of a run.
func (m *Metrics) Searched(engine, outcome string) {
	if m != nil {
		m.searches.add(1, engine, outcome)
	}
}

// Stream counts an open stream. A nil *Stream counts nothing.
type Stream struct {
	metrics  *Metrics
	protocol string
	opened   time.Time
}

// StreamOpened counts a stream until its Closed is called.
func (m *Metrics) StreamOpened(protocol string) *Stream {
	if m == nil {
		return nil
	}
	m.streams.add(1, protocol)
	return &Stream{metrics: m, protocol: protocol, opened: time.Now()}
}

// Sent counts a message that was written. at is the time of its event, and zero for a delta.
func (s *Stream) Sent(at time.Time) {
	if s == nil {
		return
	}
	s.metrics.streamMessages.add(1, s.protocol)
	if at.After(s.opened) {
		s.metrics.deliverySecs.observe(time.Since(at), s.protocol)
	}
}

// Closed counts the stream no more.
func (s *Stream) Closed() {
	if s != nil {
		s.metrics.streams.add(-1, s.protocol)
	}
}

// Notified counts a batch of announcements about a number of tasks.
func (m *Metrics) Notified(tasks int, ok bool, took time.Duration) {
	if m == nil {
		return
	}
	m.notifies.add(1, result(ok))
	m.notifyTasks.add(float64(tasks))
	m.notifySeconds.observe(took)
}

// BrowserStarted counts a start of Chromium, or, as lost, an end that nobody asked for.
func (m *Metrics) BrowserStarted(result string) {
	if m != nil {
		m.browserStarts.add(1, result)
	}
}

// Logged counts a log line.
func (m *Metrics) Logged(level string) {
	if m != nil {
		m.logLines.add(1, level)
	}
}
