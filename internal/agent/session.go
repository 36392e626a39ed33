package agent

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"legwork/internal/agent/ranking"
	"legwork/internal/page"
	"legwork/internal/research"
	"legwork/internal/tracing"
)

// The tools, by the names that clients see.
const (
	ToolSearch     = "search_for_question"
	ToolNavigate   = "navigate_to"
	ToolFind       = "find_in_page"
	ToolCite       = "cite"
	ToolUncite     = "uncite"
	ToolNote       = "note"
	ToolScreenshot = "take_screenshot"
	ToolContent    = "get_page_content"
	ToolChunk      = "get_page_content_chunk"
	ToolLinks      = "extract_links_from_page"
)

// Session is the research of one run: the tools with their journal, and the results so far (pages, failures, evidence,
// used budgets). The built-in reader and the tool loop choose the calls. Both use the same session, even if one of them
// continues the work of the other. A Session is not safe for concurrent use.
//
// A tool call is announced, made and recorded. If its result is in the journal, it is neither announced nor made again. So a resumed
// run makes the same decisions and repeats nothing.
type Session struct {
	Env   Env
	Opts  research.Options // options of the task
	Scope page.Scope       // which addresses may be opened
	Log   *slog.Logger

	// The results of the research so far.
	Pages    []Opened    // pages read, in order
	Failed   []Opened    // pages that could not be read
	Quotes   []Quote     // verified quotes
	Searched *FoundPages // result of the latest search; nil if there was none
	Budget   string      // name of the budget that ended the research; empty if none did

	// Counts, over all runs of the task.
	Loads           int // navigate_to calls that count against MaxPages
	LastEvidence    int // number of the newest evidence
	ScreenshotCount int // take_screenshot calls that count against MaxScreenshots

	// ReplyTurn is the turn of the model's reply whose calls are being made. It is 0 if the calls belong to no reply.
	// Then each call has a turn of its own.
	ReplyTurn int

	journal      map[string]research.Step     // steps of earlier runs, by tool and arguments; a call that is found here is not made again
	turn         int                          // turn of the newest step
	calls        map[int]int                  // for each turn, the number of its newest call
	underWay     map[string]*callUnderWay     // calls made early, by tool and arguments
	fromLibrary  map[string]bool              // addresses that a search of the stored pages found
	questions    map[string]*ranking.Question // the task's question split into terms, by language
	pictured     map[int]bool                 // numbers of the evidence that needs no further screenshot
	picturesFrom time.Time                    // time when the first screenshot for the answer was started
}

// NoteBudget records the name of the budget that ended the research. If it is called again, the first name is kept.
func (b *Session) NoteBudget(budget string) { b.Budget = cmp.Or(b.Budget, budget) }

// NewSession prepares the tools of a run from its journal. It ignores steps that failed transiently in an earlier try,
// so that the new try makes these calls again. A repeated call counts only once against a budget.
func NewSession(env Env) *Session {
	b := &Session{Env: env, Log: env.Log, Opts: env.Task.Options, Scope: env.Scope, journal: map[string]research.Step{},
		calls: map[int]int{}, fromLibrary: map[string]bool{}, questions: map[string]*ranking.Question{},
		underWay: map[string]*callUnderWay{}}
	if b.Log == nil {
		b.Log = slog.New(slog.DiscardHandler)
	}
	b.Loads = CountLoads(env.Journal, env.Try)
	for _, e := range env.Inherited {
		b.LastEvidence = max(b.LastEvidence, e.Number)
	}
	for _, s := range env.Journal {
		b.UseKey(s.Turn, s.CallNo)
		if s.Kind != research.ToolStep {
			continue
		}
		key := CallKey(s.Tool, s.Args)
		again := s.Try < env.Try && failedTransiently(s)
		if again {
			delete(b.journal, key)
		} else {
			b.journal[key] = s
		}
		switch {
		case s.Tool == ToolScreenshot && !again:
			b.ScreenshotCount++
		case s.Tool == ToolCite:
			var c Cited
			if json.Unmarshal(s.Result, &c) == nil {
				b.LastEvidence = max(b.LastEvidence, c.Evidence)
			}
		}
	}
	return b
}

// Question returns the task's question, split into terms in a language.
func (b *Session) Question(language string) *ranking.Question {
	if language == "en" { // the empty language means English, too
		language = ""
	}
	if b.questions[language] == nil {
		b.questions[language] = ranking.NewQuestion(QuestionWithContext(b.Env.Task), language)
	}
	return b.questions[language]
}

// NoConfidence is the confidence of an answer if nothing relevant was found.
const NoConfidence = 0.05

// CountLoads returns how many pages in a journal count against MaxPages in the given try. Loads that failed transiently
// in an earlier try do not count, because they are made again.
func CountLoads(journal []research.Step, try int) int {
	n := 0
	for _, s := range journal {
		if s.Kind == research.ToolStep && s.Tool == ToolNavigate && (s.Try >= try || !failedTransiently(s)) {
			n++
		}
	}
	return n
}

// failedTransiently reports whether a step failed for a reason that may be gone a little later.
func failedTransiently(s research.Step) bool {
	var r struct {
		Outcome research.Outcome `json:"outcome"`
	}
	return !s.Success && json.Unmarshal(s.Result, &r) == nil && r.Outcome.Transient()
}

// CallKey returns a key for a call with its tool and arguments. Calls whose JSON arguments differ only in the order of
// keys or in white space have the same key.
func CallKey(tool string, args []byte) string {
	var v any
	if json.Unmarshal(args, &v) == nil {
		if canonical, err := research.EncodeJSON(v); err == nil {
			args = canonical
		}
	}
	return tool + "\x00" + string(args)
}

// NextKey returns the journal key of the next step. The key is chosen before the call is made.
func (b *Session) NextKey() (turn, callNo int) {
	if b.ReplyTurn > 0 {
		return b.ReplyTurn, b.calls[b.ReplyTurn] + 1
	}
	return b.turn + 1, 1
}

// UseKey marks a journal key as used.
func (b *Session) UseKey(turn, callNo int) {
	b.turn, b.calls[turn] = max(b.turn, turn), max(b.calls[turn], callNo)
}

// Recorded reports whether the journal has the result of a call.
func (b *Session) Recorded(tool string, args map[string]any) bool {
	raw, err := research.EncodeJSON(args)
	if err != nil {
		return false
	}
	_, ok := b.journal[CallKey(tool, raw)]
	return ok
}

// Effect is the outcome of a tool call: what is recorded, and what the events show.
type Effect struct {
	Result   any            // stored in the journal as JSON
	Preview  map[string]any // shown in the tool_result event
	metadata map[string]any // metadata of that event, besides turn and callNo
	Success  bool
	visit    *research.Visit
	Evidence []research.Evidence
	file     *research.Artifact // a picture whose file was written
	shows    []int              // numbers of the evidence that the picture shows
	then     []research.Event   // events appended after the result
}

// Call makes one tool call with the function do, or takes its result from the journal, and decodes the result into out.
// Both ways decode the same bytes. The events in before are appended before the event that announces the call.
func (b *Session) Call(ctx context.Context, tool string, args map[string]any, before []research.Event, out any,
	do func(ctx context.Context) (Effect, error)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	rawArgs, err := research.EncodeJSON(args)
	if err != nil {
		return fmt.Errorf("arguments of %s: %w", tool, err)
	}
	key := CallKey(tool, rawArgs)
	if step, ok := b.journal[key]; ok {
		return decode(tool, step.Result, out)
	}
	turn, callNo := b.NextKey()
	early := b.underWay[key]
	if early != nil {
		turn, callNo = early.turn, early.callNo
	}
	where := map[string]any{"turn": turn, "callNo": callNo}
	if early == nil {
		if err := b.Env.Emit(ctx, append(before, research.ToolCall(tool, args, where))...); err != nil {
			return err
		}
	}
	ctx, span := tracing.Start(ctx, "execute_tool", tool)
	defer span.End()
	began := time.Now()
	e, err := do(ctx)
	if err != nil {
		span.Fail("stopped")
		return err
	}
	if span.On() {
		span.Set(attribute.String(tracing.GenAIOperation, "execute_tool"), attribute.String(tracing.GenAITool, tool), attribute.Int(tracing.Turn, turn))
		if !e.Success {
			span.Fail("tool")
		}
	}
	result, err := research.EncodeJSON(e.Result)
	if err != nil {
		return fmt.Errorf("result of %s: %w", tool, err)
	}
	maps.Copy(where, e.metadata)
	step := research.Step{
		Turn: turn, CallNo: callNo, Try: b.Env.Try, Kind: research.ToolStep, Tool: tool, Args: rawArgs, Result: result,
		Success: e.Success, Duration: durationOf(early, began), Visit: e.visit, Evidence: e.Evidence, Artifact: e.file, Shows: e.shows,
		Events: append([]research.Event{research.ToolResult(tool, e.Preview, e.Success, where)}, e.then...),
	}
	if _, err := b.Env.Record(ctx, step); err != nil {
		return err
	}
	b.UseKey(turn, callNo)
	delete(b.underWay, key)
	step.Events, step.Visit, step.Evidence, step.Artifact = nil, nil, nil, nil
	b.journal[key] = step
	return decode(tool, result, out)
}

// durationOf returns how long a call took. A prefetched call may have started before its turn.
func durationOf(early *callUnderWay, began time.Time) time.Duration {
	if early != nil {
		return early.duration
	}
	return time.Since(began)
}

func decode(tool string, result []byte, out any) error {
	if err := json.Unmarshal(result, out); err != nil {
		return fmt.Errorf("journaled result of %s: %w", tool, err)
	}
	return nil
}
