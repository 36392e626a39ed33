package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	neturl "net/url"
	"strings"
	"time"

	"legwork/internal/llm"
	"legwork/internal/page"
	"legwork/internal/research"
)

// Bounds of a conversation: what a model may do wrong before research ends without it.
const (
	maxTurns   = 80
	maxCalls   = 8 // in one reply
	maxRepeats = 2 // of one call that are carried out or answered from the journal
	maxIdle    = 2 // replies in a row without a call, while nothing is cited
	maxStale   = 4 // replies in a row of which no call brought anything new
)

// What a request may hold, in bytes of text. Older tool results are shortened first; the journal keeps all.
const (
	maxContext   = 160_000
	minContext   = 12_000
	keptOfOlder  = 200
	answerShare  = 8    // the part of the token budget that is kept for the answer: one eighth
	answerTokens = 2048 // of output
)

// Purposes of model calls, as the journal has them.
const (
	forResearch = "research"
	forAnswer   = "answer"
)

// Limits bound what the model may cost.
type Limits struct {
	MaxTokens int64 // of one task, input and output together; 0: no limit
}

// Ask is the tool loop: the model decides on the calls, whose results it sees, until it is done or a budget ends its
// research; then it writes the answer from the verified quotes alone. Its error is a *research.Failure,
// research.ErrFenced, the context's error, or that of a database that cannot answer.
//
// Every reply of the model is journaled before it is acted on, and every tool call before its result is shown, so a
// resumed run goes the same way without a call made twice.
func Ask(ctx context.Context, env Env, model llm.Model, limits Limits) (research.Result, error) {
	o := env.Task.Options
	a := &asker{toolbox: newToolbox(env), model: model, limits: limits, opts: o, window: maxContext,
		policy: page.Policy{AllowDomains: o.AllowDomains, DenyDomains: o.DenyDomains, Lists: env.Lists}, mark: untrustedMark(env.Task.ID),
		texts: map[string]*snapshot{}, byURL: map[string]int{}, known: map[string]origin{}, repeats: map[string]int{}}
	for _, s := range env.Journal {
		if s.Kind == research.ModelStep {
			a.replay = append(a.replay, s)
		}
	}
	if err := a.research(ctx); err != nil {
		return research.Result{}, err
	}
	a.asking = 0
	res, err := a.answer(ctx)
	if err != nil {
		return research.Result{}, err
	}
	return res, a.picture(ctx, res.Cited)
}

// asker is one run of the loop. All it decides follows from the task, the journal, the model's replies and the budgets.
type asker struct {
	*toolbox
	model    llm.Model
	limits   Limits
	opts     research.Options
	policy   page.Policy
	root     string // registrable domain of the seed
	mark     string // tag around untrusted text
	messages []llm.Message
	window   int             // bytes of text that a request may hold
	inText   bool            // the model cannot be given tools; it writes calls into its text
	replay   []research.Step // model replies of earlier runs, not yet taken
	pending  []research.Event
	tokens   int64

	pages    []opened // read well, in order
	failed   []opened
	byURL    map[string]int // into pages
	known    map[string]origin
	texts    map[string]*snapshot
	repeats  map[string]int
	proofs   []proof
	searched *foundPages
	cut      string // budget that ended the research
	why      string // what else ended it, for the result's metadata
}

// research lets the model work until it is done or something ends it.
func (a *asker) research(ctx context.Context) error {
	if err := a.begin(ctx); err != nil {
		return err
	}
	idle, stale := 0, 0
	for turn := 0; ; turn++ {
		if a.over(turn) {
			return nil
		}
		reply, inTime, err := a.think(ctx)
		if err != nil || !inTime {
			return err
		}
		text, calls, written := wishes(reply)
		a.messages = append(a.messages, a.said(reply, text, calls, written))
		if len(calls) == 0 {
			idle++
			if len(a.proofs) > 0 && text != "" {
				return nil
			}
			if idle > maxIdle {
				a.why = "the model called no tools"
				return nil
			}
			if err := a.nudge(); err != nil {
				return err
			}
			continue
		}
		idle = 0
		done, fresh, err := a.act(ctx, calls, written)
		if err != nil {
			return err
		}
		if done && (len(a.proofs) > 0 || stale > 0) {
			return nil
		}
		if stale++; fresh {
			stale = 0
		}
		if stale >= maxStale {
			a.why = "the model made no progress"
			return nil
		}
	}
}

// begin opens the seed and writes the first messages.
func (a *asker) begin(ctx context.Context) error {
	seedText := ""
	if seed := a.opts.SeedURL; seed != "" {
		if u, err := neturl.Parse(seed); err == nil {
			a.root = page.Domain(u.Host)
		}
		o, err := a.navigate(ctx, seed, 0, thought("Opening the start page "+seed+".", nil))
		switch {
		case err != nil:
			return err
		case o.Outcome == research.OutcomeNetwork:
			return &research.Failure{Code: research.CodeSeedRefused, Message: "The seed URL was refused. " + o.Message}
		case o.Outcome != research.OutcomeOK:
			a.failed = append(a.failed, o)
			seedText = "It could not be read: " + o.Message
		default:
			if u, err := page.ParseURL(seed); err == nil {
				seed = u.String()
			}
			a.file(o, seed)
			out, err := a.look(ctx, &a.pages[0])
			if err != nil {
				return err
			}
			seedText = out.text
		}
	}
	question, err := prompt("question", map[string]any{"Question": a.env.Task.Question, "Seed": seedText, "SeedURL": a.opts.SeedURL})
	if err != nil {
		return err
	}
	a.messages = []llm.Message{{Role: llm.System}, {Role: llm.User, Text: question}}
	return nil
}

// over reports whether research ends before another call of the model: an earlier run was done with it, or a budget is
// used up. A reply that is journaled is taken, whatever the budgets say.
func (a *asker) over(turn int) bool {
	if len(a.replay) > 0 {
		return purposeOf(a.replay[0]).Purpose != forResearch
	}
	switch {
	case a.recorded(ToolFind, map[string]any{"query": a.env.Task.Question}): // an earlier run chose the evidence itself
		return true
	case turn >= maxTurns:
		a.why = fmt.Sprintf("the model had made %d turns", maxTurns)
	case a.env.readingTime() <= 0:
		a.cutBy("timeBudget")
	case a.limits.MaxTokens > 0 && a.tokens >= a.limits.MaxTokens-a.limits.MaxTokens/answerShare:
		a.cutBy("maxTokens")
	default:
		return false
	}
	return true
}

// purpose is what the journal keeps of a model call as its arguments.
type purpose struct {
	Purpose string `json:"purpose"`
	Model   string `json:"model"`
	Budget  string `json:"budget,omitempty"` // of an answer: the budget that ended the research
	Ended   string `json:"ended,omitempty"`  // of an answer: what else did
}

func purposeOf(s research.Step) purpose {
	var p purpose
	_ = json.Unmarshal(s.Args, &p)
	return p
}

// think asks the model what to do next, within the reading time. A conversation that does not fit is shortened, and a model
// that cannot be given tools is told to write its calls down. inTime is false when the reading time ended the call.
func (a *asker) think(ctx context.Context) (reply llm.Reply, inTime bool, err error) {
	for {
		messages, err := a.conversation()
		if err != nil {
			return llm.Reply{}, false, err
		}
		r := llm.Request{Messages: messages}
		if !a.inText {
			r.Tools = offered(a.env.Shoot != nil)
		}
		reply, err := a.generate(ctx, purpose{Purpose: forResearch}, r)
		var problem *llm.Error
		switch {
		case err == nil:
			return reply, true, nil
		case errors.Is(err, errTimeUp):
			a.cutBy("timeBudget")
			return llm.Reply{}, false, nil
		case !errors.As(err, &problem):
			return llm.Reply{}, false, err
		case problem.Kind == llm.NoTools && !a.inText:
			a.inText = true
		case problem.Kind == llm.TooLong && a.window > minContext:
			a.window /= 2
		default:
			return llm.Reply{}, false, failed(problem)
		}
	}
}

// errTimeUp ends a call of the model that outlasts the reading time.
var errTimeUp = errors.New("the time budget is used up")

// failed is the failure of a task whose model failed.
func failed(problem *llm.Error) error {
	return &research.Failure{Code: research.CodeModelFailed, Message: problem.Message, Transient: problem.Transient(), Cause: problem}
}

// generate makes one model call, or takes its reply from the journal. Both ways pass through the same bytes.
// A call for research ends with the reading time, by errTimeUp. Before each further try again is called.
func (a *asker) generate(ctx context.Context, p purpose, r llm.Request, again ...func()) (llm.Reply, error) {
	a.asking = 0
	if len(a.replay) > 0 && purposeOf(a.replay[0]).Purpose == p.Purpose {
		step := a.replay[0]
		a.replay, a.pending = a.replay[1:], nil
		return a.take(step)
	}
	p.Model = a.model.Name()
	args, err := encode(p)
	if err != nil {
		return llm.Reply{}, err
	}
	step := research.Step{Try: a.env.Try, Kind: research.ModelStep, Args: args, Success: true}
	step.Turn, step.CallNo = a.nextKey()
	if err := a.env.Emit(ctx); err != nil { // no event, but the fence and the lease
		return llm.Reply{}, err
	}
	r.OnRetry = func(ctx context.Context, retry llm.Retry) error {
		for _, f := range again {
			f()
		}
		return a.env.Emit(ctx, thought(fmt.Sprintf("%s Trying again in %.0f s.", retry.Problem.Message, max(1, retry.Wait.Seconds())),
			map[string]any{"model": a.model.Name(), "try": retry.Try, "problem": string(retry.Problem.Kind)}))
	}
	r.Ready = func(ctx context.Context) error { return a.env.Emit(ctx) }
	began := time.Now()
	reply, err := a.inTime(ctx, p, r)
	if err != nil {
		return llm.Reply{}, err
	}
	step.Duration, step.InputTokens, step.OutputTokens = time.Since(began), reply.Usage.Input, reply.Usage.Output
	if step.Result, err = encode(reply); err != nil {
		return llm.Reply{}, err
	}
	step.Events = a.told(step, p, reply)
	if _, err := a.env.Record(ctx, step); err != nil {
		return llm.Reply{}, err
	}
	a.pending = nil
	a.took(step.Turn, step.CallNo)
	return a.take(step)
}

// inTime makes a call of the model, for research within the reading time that is left.
func (a *asker) inTime(ctx context.Context, p purpose, r llm.Request) (llm.Reply, error) {
	if p.Purpose != forResearch {
		return a.model.Generate(ctx, r)
	}
	bounded, cancel := context.WithTimeoutCause(ctx, max(a.env.readingTime(), time.Millisecond), errTimeUp)
	defer cancel()
	reply, err := a.model.Generate(bounded, r)
	if err != nil && ctx.Err() == nil && bounded.Err() != nil && !errors.Is(err, research.ErrFenced) {
		return llm.Reply{}, errTimeUp
	}
	return reply, err
}

// take gives a journaled reply and makes its turn the one that asks.
func (a *asker) take(step research.Step) (llm.Reply, error) {
	var reply llm.Reply
	if err := json.Unmarshal(step.Result, &reply); err != nil {
		return reply, fmt.Errorf("journaled reply of turn %d: %w", step.Turn, err)
	}
	a.asking = step.Turn
	a.tokens += step.InputTokens + step.OutputTokens
	return reply, nil
}

// told are the events of a reply: what was refused before, and what the model says.
func (a *asker) told(step research.Step, p purpose, reply llm.Reply) []research.Event {
	events := a.pending
	text, calls, written := wishes(reply)
	if p.Purpose == forResearch && text != "" && !written {
		events = append(events, thought(research.Truncate(text, research.MaxPreview), map[string]any{
			"turn": step.Turn, "model": a.model.Name(), "calls": len(calls)}))
	}
	return events
}

// said is a reply as the conversation keeps it. Calls get ids of ours: some providers give none, some insist on a form.
func (a *asker) said(reply llm.Reply, text string, calls []wish, written bool) llm.Message {
	m := llm.Message{Role: llm.Assistant, Text: text}
	if written || len(calls) == 0 {
		m.Text = strings.TrimSpace(reply.Text)
		if m.Text == "" {
			m.Text = "(nothing)"
		}
		return m
	}
	for i, c := range calls {
		m.Calls = append(m.Calls, llm.Call{ID: a.callID(i), Name: c.name, Arguments: c.args})
	}
	return m
}

func (a *asker) callID(i int) string { return fmt.Sprintf("t%05dc%02d", a.asking%100000, i%100)[:9] }

// act carries the calls of a reply out and answers them.
func (a *asker) act(ctx context.Context, calls []wish, written bool) (done, fresh bool, err error) {
	var results []string
	for i, c := range calls {
		var out shownOutcome
		spec := toolNamed(c.name)
		switch {
		case i >= maxCalls:
			out = shownOutcome{text: fmt.Sprintf("Error: at most %d calls in one turn; this one was not made.", maxCalls)}
		case spec != nil && spec.name == toolDone:
			done = true
			out = shownOutcome{text: "The answer is written when quotes are cited. If they are, say DONE without calling a tool."}
		default:
			if out, err = a.carryOut(ctx, c); err != nil {
				return false, false, err
			}
		}
		fresh = fresh || out.fresh
		if written {
			results = append(results, "Result of "+c.name+":\n"+out.text)
			continue
		}
		a.messages = append(a.messages, llm.Message{Role: llm.ToolRole, CallID: a.callID(i), Tool: c.name, Text: out.text})
	}
	if written {
		a.messages = append(a.messages, llm.Message{Role: llm.User, Text: strings.Join(results, "\n\n")})
	}
	return done, fresh, nil
}

// nudge asks a model that called nothing to go on.
func (a *asker) nudge() error {
	text, err := prompt("nudge", map[string]any{"Evidence": len(a.proofs), "Pages": len(a.pages)})
	if err != nil {
		return err
	}
	a.messages = append(a.messages, llm.Message{Role: llm.User, Text: text})
	return nil
}

// conversation is what the model is sent: the rules as they are today, and the messages, of which older ones are shortened
// when they do not fit.
func (a *asker) conversation() ([]llm.Message, error) {
	o := a.opts
	data := map[string]any{"Date": time.Now().UTC().Format("Monday, 2 January 2006"), "MaxPages": o.MaxPages, "MaxDepth": o.MaxDepth,
		"Seconds": int(o.TimeBudget.Seconds()), "SameDomain": o.SameDomainOnly, "Mark": a.mark, "TextTools": a.inText, "Tools": textTools(a.env.Shoot != nil)}
	rules, err := prompt("system", data)
	if err != nil {
		return nil, err
	}
	out := append([]llm.Message{}, a.messages...)
	out[0].Text = rules
	left := a.window - len(rules) - len(out[1].Text)
	for i := len(out) - 1; i > 1; i-- {
		m := &out[i]
		if left -= len(m.Text); left < 0 && len(m.Text) > keptOfOlder && (m.Role == llm.ToolRole || m.Role == llm.User) && i < len(out)-1 {
			m.Text = research.Truncate(m.Text, keptOfOlder) + "\n(Shortened; call the tool again to see the rest.)"
		}
	}
	if left < 0 && len(out[1].Text) > a.window/2 {
		out[1].Text = research.Truncate(out[1].Text, a.window/2)
	}
	return out, nil
}
