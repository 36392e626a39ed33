package modelcalls

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"legwork/internal/agent"
	"legwork/internal/agent/price"
	"legwork/internal/agent/report"
	"legwork/internal/agent/toolcalls"
	"legwork/internal/llm"
	"legwork/internal/research"
	"legwork/internal/tracing"
)

// Limits bound the tokens that a task may use, and set their prices.
type Limits struct {
	MaxTokens int64      // of one task, input plus output; 0 means no limit. A task may have a lower limit of its own
	Prices    price.List // prices of models; without one for the model, no cost is recorded
	Support   bool       // whether the model is asked, after the answer, how far the quotes support it. Sentences that they do not support are then rewritten or removed
}

// Caller makes the model calls of one run. It is not safe for concurrent use.
type Caller struct {
	Model  llm.Model
	Limits Limits

	session *agent.Session
	replay  []research.Step  // model replies of earlier runs that are still to be replayed
	pending []research.Event // see AddToNext
	used    Used
	writeBy time.Time // when the answer must be written; zero before the first call for it
}

// Used is what the calls of a task have used so far, over all its runs.
type Used struct {
	Input  int64 // input tokens
	Output int64
	Cached int64 // the part of Input that the provider took from its cache
	Cost   float64
	Priced bool // at least one reply had a cost
}

// Tokens returns the sum of the input and the output tokens.
func (u Used) Tokens() int64 { return u.Input + u.Output }

// New returns a Caller for the run of a session. It replays the replies in the session's journal.
func New(s *agent.Session, model llm.Model, limits Limits) *Caller {
	c := &Caller{Model: model, Limits: limits, session: s}
	for _, step := range s.Env.Journal {
		if step.Kind == research.ModelStep {
			c.replay = append(c.replay, step)
		}
	}
	return c
}

// Replay returns the purpose of the next reply in the journal. ok is false if there is none.
func (c *Caller) Replay() (p Purpose, ok bool) {
	if len(c.replay) == 0 {
		return Purpose{}, false
	}
	return PurposeOf(c.replay[0]), true
}

// Replays reports whether the next reply is in the journal and has this purpose.
func (c *Caller) Replays(name string) bool {
	p, ok := c.Replay()
	return ok && p.Purpose == name
}

// Used returns what the calls so far have used.
func (c *Caller) Used() Used { return c.used }

// AddToNext stores an event together with the next reply, and only once, even if the run is resumed.
func (c *Caller) AddToNext(e research.Event) { c.pending = append(c.pending, e) }

// ErrTimeUp is the error of a call whose time limit is over.
var ErrTimeUp = errors.New("the time budget is used up")

// Failed turns an error of the model into the failure of the task.
func Failed(problem *llm.Error) error {
	return &research.Failure{Code: research.CodeModelFailed, Message: problem.Message, Transient: problem.Transient(), Cause: problem}
}

// Generate makes one model call, or takes its reply from the journal. Both ways decode the same journaled bytes. It
// returns ErrTimeUp when the time limit of the call is over (see inTime). Before each repeated attempt it calls the
// functions in again.
func (c *Caller) Generate(ctx context.Context, p Purpose, r llm.Request, again ...func()) (llm.Reply, error) {
	c.session.ReplyTurn = 0
	if len(c.replay) > 0 && PurposeOf(c.replay[0]).same(p) {
		step := c.replay[0]
		c.replay, c.pending = c.replay[1:], nil
		return c.useReply(step)
	}
	p.Model = c.Model.Name()
	args, err := research.EncodeJSON(p)
	if err != nil {
		return llm.Reply{}, err
	}
	env := &c.session.Env
	step := research.Step{Try: env.Try, Kind: research.ModelStep, Args: args, Success: true}
	step.Turn, step.CallNo = c.session.NextKey()
	if err := env.Emit(ctx); err != nil { // stores no event, but checks the fence and the lease
		return llm.Reply{}, err
	}
	r.OnRetry = func(ctx context.Context, retry llm.Retry) error {
		for _, f := range again {
			f()
		}
		return env.Emit(ctx, research.Thinking(fmt.Sprintf("%s Trying again in %.0f s.", retry.Problem.Message, max(1, retry.Wait.Seconds())),
			map[string]any{"model": c.Model.Name(), "try": retry.Try, "problem": string(retry.Problem.Kind)}))
	}
	r.Ready = func(ctx context.Context) error { return env.Emit(ctx) }
	ctx, span := tracing.Start(ctx, "model", p.Purpose)
	defer span.End()
	began := time.Now()
	reply, err := c.inTime(ctx, p, r)
	if err != nil {
		span.Fail("model")
		return llm.Reply{}, err
	}
	step.Duration, step.InputTokens, step.OutputTokens, step.CachedTokens = time.Since(began), reply.Usage.Input, reply.Usage.Output, reply.Usage.Cached
	step.CostUSD = c.Limits.Prices.Cost(c.Model.Name(), reply.Usage)
	if step.Result, err = research.EncodeJSON(reply); err != nil {
		return llm.Reply{}, err
	}
	step.Events = c.replyEvents(step, p, reply)
	if _, err := env.Record(ctx, step); err != nil {
		return llm.Reply{}, err
	}
	c.pending = nil
	c.session.UseKey(step.Turn, step.CallNo)
	return c.useReply(step)
}

// AnswerTime is what the calls for the answer get at least, even if earlier runs of the task have used up the budget.
const AnswerTime = 5 * time.Second

// inTime calls the model with a time limit. For research the limit is the rest of the reading time. For all other calls
// it is the rest of the whole time budget, and sections of a report leave time for the summary. All calls for one answer
// together get at least AnswerTime, and so do the outline and the first section of a report.
func (c *Caller) inTime(ctx context.Context, p Purpose, r llm.Request) (llm.Reply, error) {
	left := c.session.Env.TimeLeft()
	if p.Purpose != ForResearch && c.writeBy.IsZero() {
		c.writeBy = time.Now().Add(max(left, AnswerTime))
	}
	switch p.Purpose {
	case ForResearch:
		left = c.session.Env.ReadingTime()
	case ForAnswer, report.ForOutline:
		left = time.Until(c.writeBy)
	case ForSupport, ForRewrite:
		if p.Number == BeforeSummary {
			left -= c.finishTime()
		}
	case report.ForSection:
		left -= c.finishTime()
		if p.Number == 1 {
			left = max(left, min(AnswerTime, time.Until(c.writeBy)))
		}
	}
	bounded, cancel := context.WithTimeoutCause(ctx, max(left, time.Millisecond), ErrTimeUp)
	defer cancel()
	reply, err := c.Model.Generate(bounded, r)
	if err != nil && ctx.Err() == nil && bounded.Err() != nil && !errors.Is(err, research.ErrFenced) {
		return llm.Reply{}, ErrTimeUp
	}
	return reply, err
}

// useReply decodes a journaled reply and adds its tokens and cost. The cost is taken from the journal, because prices may
// have changed since. The calls of the reply will be journaled under its turn.
func (c *Caller) useReply(step research.Step) (llm.Reply, error) {
	var reply llm.Reply
	if err := json.Unmarshal(step.Result, &reply); err != nil {
		return reply, fmt.Errorf("journaled reply of turn %d: %w", step.Turn, err)
	}
	c.session.ReplyTurn = step.Turn
	c.used.Input += step.InputTokens
	c.used.Output += step.OutputTokens
	c.used.Cached += step.CachedTokens
	if step.CostUSD != nil {
		c.used.Cost, c.used.Priced = c.used.Cost+*step.CostUSD, true
	}
	return reply, nil
}

// replyEvents returns the events of a reply: first those of AddToNext, then the reply's text or calls, with their cost.
func (c *Caller) replyEvents(step research.Step, p Purpose, reply llm.Reply) []research.Event {
	text, calls, written := toolcalls.Read(reply)
	metadata := price.Spent(step, map[string]any{"turn": step.Turn, "model": c.Model.Name(), "purpose": p.Purpose})
	switch {
	case p.Purpose == ForAnswer:
		text = fmt.Sprintf("The answer is written from %d verified quotes.", len(c.session.Quotes))
	case p.Purpose == report.ForSection:
		text = fmt.Sprintf("Section %d of %d is written: %s.", p.Number, p.Of, p.Heading)
		metadata["section"], metadata["sections"] = p.Number, p.Of
	case partTexts[p.Purpose] != "":
		text = partTexts[p.Purpose]
	case p.Purpose == ForSupport:
		text = "The quotes were compared with the sentences that use them."
	case p.Purpose == ForRewrite:
		text = "Sentences that their quotes do not support were written anew."
	case text == "" || written:
		text = toolcalls.Intent(calls)
		metadata["calls"] = len(calls)
	default:
		metadata["calls"] = len(calls)
	}
	return append(c.pending, research.Thinking(research.Truncate(text, research.MaxPreview), metadata))
}
