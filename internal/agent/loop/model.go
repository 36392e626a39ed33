package loop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"legwork/internal/agent/conversation"
	"legwork/internal/agent/planning"
	"legwork/internal/agent/price"
	"legwork/internal/agent/prompts"
	"legwork/internal/agent/report"
	"legwork/internal/agent/toolcalls"
	"legwork/internal/llm"
	"legwork/internal/research"
)

// purpose is stored in the journal as the arguments of a model call.
type purpose struct {
	Purpose string `json:"purpose"`
	Model   string `json:"model"`
	Budget  string `json:"budget,omitempty"` // for an answer: the budget that ended the research
	Ended   string `json:"ended,omitempty"`  // for an answer: another reason why the research ended
	Left    string `json:"left,omitempty"`   // for research: what the model was told about its budgets

	// For a part of a report, or for data.
	Number  int    `json:"number,omitempty"`  // see report.Part
	Of      int    `json:"of,omitempty"`      // see report.Part
	Heading string `json:"heading,omitempty"` // see report.Part
	Prompts string `json:"prompts,omitempty"` // version of the prompts, if it is not that of the task
}

// same reports whether two calls serve the same purpose. Several calls do if a text is continued or asked for again.
func (p purpose) same(other purpose) bool {
	return p.Purpose == other.Purpose && p.Number == other.Number
}

func purposeOf(s research.Step) purpose {
	var p purpose
	_ = json.Unmarshal(s.Args, &p)
	return p
}

// askModel asks the model for its next step, within the reading time. If the conversation is too long, it is shortened
// and sent again. If the model does not support tools, the model is asked to write its calls as text. inTime is false if
// the reading time ended before the reply came.
func (a *run) askModel(ctx context.Context) (reply llm.Reply, inTime bool, err error) {
	a.talk.Compact()
	p := purpose{Purpose: forResearch, Left: a.whatIsLeft()}
	if len(a.replay) > 0 { // an earlier run has told it
		p.Left = purposeOf(a.replay[0]).Left
	}
	if p.Left != "" {
		a.talk.Tell(p.Left)
	}
	for {
		messages, err := a.conversation()
		if err != nil {
			return llm.Reply{}, false, err
		}
		r := llm.Request{Messages: messages, MaxTokens: conversation.OutputOf(a.model.Window())}
		if !a.inText {
			r.Tools = toolcalls.Offered(a.Env.Shoot != nil)
		}
		reply, err := a.generate(ctx, p, r)
		var problem *llm.Error
		switch {
		case err == nil:
			return reply, true, nil
		case errors.Is(err, errTimeUp):
			a.NoteBudget("timeBudget")
			return llm.Reply{}, false, nil
		case !errors.As(err, &problem):
			return llm.Reply{}, false, err
		case problem.Kind == llm.NoTools && !a.inText:
			a.inText = true
		case problem.Kind == llm.TooLong && a.talk.Shrink(a.model.Window()):
		case len(a.Quotes) > 0 && (!problem.Transient() || a.Env.LastTry): // the quotes found so far are used for the answer
			a.endedBy = problem.Message
			return llm.Reply{}, false, nil
		default:
			return llm.Reply{}, false, failed(problem)
		}
	}
}

// errTimeUp is the cause with which a model call is cancelled when its time limit is over.
var errTimeUp = errors.New("the time budget is used up")

// failed turns an error of the model into the failure of the task.
func failed(problem *llm.Error) error {
	return &research.Failure{Code: research.CodeModelFailed, Message: problem.Message, Transient: problem.Transient(), Cause: problem}
}

// generate makes one model call, or takes its reply from the journal. Both ways decode the same journaled bytes. It
// returns errTimeUp when the time limit of the call is over (see inTime). Before each repeated attempt it calls the
// functions in again.
func (a *run) generate(ctx context.Context, p purpose, r llm.Request, again ...func()) (llm.Reply, error) {
	a.ReplyTurn = 0
	if len(a.replay) > 0 && purposeOf(a.replay[0]).same(p) {
		step := a.replay[0]
		a.replay, a.pending = a.replay[1:], nil
		return a.useReply(step)
	}
	p.Model = a.model.Name()
	args, err := research.EncodeJSON(p)
	if err != nil {
		return llm.Reply{}, err
	}
	step := research.Step{Try: a.Env.Try, Kind: research.ModelStep, Args: args, Success: true}
	step.Turn, step.CallNo = a.NextKey()
	if err := a.Env.Emit(ctx); err != nil { // stores no event, but checks the fence and the lease
		return llm.Reply{}, err
	}
	r.OnRetry = func(ctx context.Context, retry llm.Retry) error {
		for _, f := range again {
			f()
		}
		return a.Env.Emit(ctx, research.Thinking(fmt.Sprintf("%s Trying again in %.0f s.", retry.Problem.Message, max(1, retry.Wait.Seconds())),
			map[string]any{"model": a.model.Name(), "try": retry.Try, "problem": string(retry.Problem.Kind)}))
	}
	r.Ready = func(ctx context.Context) error { return a.Env.Emit(ctx) }
	began := time.Now()
	reply, err := a.inTime(ctx, p, r)
	if err != nil {
		return llm.Reply{}, err
	}
	step.Duration, step.InputTokens, step.OutputTokens, step.CachedTokens = time.Since(began), reply.Usage.Input, reply.Usage.Output, reply.Usage.Cached
	step.CostUSD = a.limits.Prices.Cost(a.model.Name(), reply.Usage)
	if step.Result, err = research.EncodeJSON(reply); err != nil {
		return llm.Reply{}, err
	}
	step.Events = a.replyEvents(step, p, reply)
	if _, err := a.Env.Record(ctx, step); err != nil {
		return llm.Reply{}, err
	}
	a.pending = nil
	a.UseKey(step.Turn, step.CallNo)
	return a.useReply(step)
}

// Time for the answer.
const (
	answerReserve = 30 * time.Second // the part of the time budget that is kept for it, if the budget is at least twice as long
	answerTime    = 5 * time.Second  // what it gets at least, even if earlier runs of the task have used up the budget
)

// inTime calls the model with a time limit. For research the limit is the rest of the reading time. For all other calls
// it is the rest of the whole time budget, and sections of a report leave time for the summary. All calls for one answer
// together get at least answerTime, and so do the outline and the first section of a report.
func (a *run) inTime(ctx context.Context, p purpose, r llm.Request) (llm.Reply, error) {
	left := a.Env.TimeLeft()
	if p.Purpose != forResearch && a.writeBy.IsZero() {
		a.writeBy = time.Now().Add(max(left, answerTime))
	}
	switch p.Purpose {
	case forResearch:
		left = a.Env.ReadingTime()
	case forAnswer, report.ForOutline:
		left = time.Until(a.writeBy)
	case report.ForSection:
		left -= a.finishTime()
		if p.Number == 1 {
			left = max(left, min(answerTime, time.Until(a.writeBy)))
		}
	}
	bounded, cancel := context.WithTimeoutCause(ctx, max(left, time.Millisecond), errTimeUp)
	defer cancel()
	reply, err := a.model.Generate(bounded, r)
	if err != nil && ctx.Err() == nil && bounded.Err() != nil && !errors.Is(err, research.ErrFenced) {
		return llm.Reply{}, errTimeUp
	}
	return reply, err
}

// useReply decodes a journaled reply and adds its tokens and cost. The calls of the reply will be journaled under its
// turn.
func (a *run) useReply(step research.Step) (llm.Reply, error) {
	var reply llm.Reply
	if err := json.Unmarshal(step.Result, &reply); err != nil {
		return reply, fmt.Errorf("journaled reply of turn %d: %w", step.Turn, err)
	}
	a.ReplyTurn = step.Turn
	a.account(step)
	return reply, nil
}

// replyEvents returns the events of a reply: first the refusals of the previous reply's calls, then the reply's text or
// calls, with their cost.
func (a *run) replyEvents(step research.Step, p purpose, reply llm.Reply) []research.Event {
	text, calls, written := toolcalls.Read(reply)
	metadata := price.Spent(step, map[string]any{"turn": step.Turn, "model": a.model.Name(), "purpose": p.Purpose})
	switch {
	case p.Purpose == forAnswer:
		text = fmt.Sprintf("The answer is written from %d verified quotes.", len(a.Quotes))
	case p.Purpose == report.ForSection:
		text = fmt.Sprintf("Section %d of %d is written: %s.", p.Number, p.Of, p.Heading)
		metadata["section"], metadata["sections"] = p.Number, p.Of
	case partTexts[p.Purpose] != "":
		text = partTexts[p.Purpose]
	case p.Purpose == forSupport:
		text = "The quotes were compared with the sentences that use them."
	case p.Purpose == forRewrite:
		text = "Sentences that their quotes do not support were written anew."
	case text == "" || written:
		text = toolcalls.Intent(calls)
		metadata["calls"] = len(calls)
	default:
		metadata["calls"] = len(calls)
	}
	return append(a.pending, research.Thinking(research.Truncate(text, research.MaxPreview), metadata))
}

// partTexts are what the log says about the parts of a report, and about data.
var partTexts = map[string]string{
	planning.ForPlan: "The model made a plan.", planning.ForGaps: "The model looked for gaps and contradictions in what was found.",
	report.ForOutline: "The report is planned.",
	report.ForSummary: "The summary of the report is written.",
	report.ForData:    "The answer is written as data.",
}

// assistantMessage returns a reply as a message of the conversation. It replaces the ids of the calls by its own,
// because some providers give none and others require a certain form.
func (a *run) assistantMessage(reply llm.Reply, text string, calls []toolcalls.Call, written bool) llm.Message {
	m := llm.Message{Role: llm.Assistant, Text: text}
	if written || len(calls) == 0 {
		m.Text = strings.TrimSpace(reply.Text)
		if m.Text == "" {
			m.Text = "(nothing)"
		}
		return m
	}
	for i, c := range calls {
		m.Calls = append(m.Calls, llm.Call{ID: a.callID(i), Name: c.Name, Arguments: c.Arguments})
	}
	return m
}

func (a *run) callID(i int) string { return fmt.Sprintf("t%05dc%02d", a.ReplyTurn%100000, i%100)[:9] }

// untrusted puts text from the web into the tag for untrusted text.
func (a *run) untrusted(text string) string {
	return "<" + a.mark + ">\n" + prompts.Defuse(text) + "\n</" + a.mark + ">"
}
