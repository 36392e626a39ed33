package loop

import (
	"context"
	"fmt"
	"strings"

	"legwork/internal/agent"
	"legwork/internal/agent/prompts"
	"legwork/internal/agent/quotes"
	"legwork/internal/agent/toolcalls"
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
	forSupport  = "support"
)

// Limits bound what the model may cost.
type Limits struct {
	MaxTokens int64   // of one task, input and output together; 0: no limit. A task may ask for less
	Prices    []Price // the first that fits a model's name counts; a model that none fits has no cost
	Support   bool    // whether the model judges, after the answer, how far its quotes support it
}

// Ask is the tool loop: the model decides on the calls, whose results it sees, until it is done or a budget ends its
// research; then it writes the answer from the verified quotes alone. Its error is a *research.Failure,
// research.ErrFenced, the context's error, or that of a database that cannot answer.
//
// Every reply of the model is journaled before it is acted on, and every tool call before its result is shown, so a
// resumed run goes the same way without a call made twice.
func Ask(ctx context.Context, env agent.Env, model llm.Model, limits Limits) (research.Result, error) {
	a := &run{Session: agent.NewSession(env), model: model, limits: limits, window: maxContext, mark: prompts.Mark(env.Task.ID),
		texts: map[string]*quotes.Text{}, byURL: map[string]int{}, known: map[string]origin{}, repeats: map[string]int{}}
	for _, s := range env.Journal {
		if s.Kind == research.ModelStep {
			a.replay = append(a.replay, s)
		}
	}
	if err := a.research(ctx); err != nil {
		return research.Result{}, err
	}
	a.ReplyTurn = 0
	res, err := a.answer(ctx)
	if err != nil {
		return research.Result{}, err
	}
	return res, a.PictureCited(ctx, res.Cited)
}

// run is one run of the loop. All it decides follows from the task, the journal, the model's replies and the budgets.
type run struct {
	*agent.Session
	model    llm.Model
	limits   Limits
	mark     string // tag around untrusted text
	messages []llm.Message
	window   int             // bytes of text that a request may hold
	inText   bool            // the model cannot be given tools; it writes calls into its text
	replay   []research.Step // model replies of earlier runs, not yet taken
	pending  []research.Event
	input    int64 // tokens
	output   int64
	cost     float64
	priced   bool // some reply had a price

	early   map[string]page.Address // the pages that the present reply opens before their turn, by address
	byURL   map[string]int          // into pages
	known   map[string]origin
	texts   map[string]*quotes.Text
	repeats map[string]int
	endedBy string // what else ended it, for the result's metadata
}

// research lets the model work until it is done or something ends it.
func (a *run) research(ctx context.Context) error {
	if err := a.begin(ctx); err != nil {
		return err
	}
	idle, stale := 0, 0
	for turn := 0; ; turn++ {
		if a.researchOver(turn) {
			return nil
		}
		reply, inTime, err := a.askModel(ctx)
		if err != nil || !inTime {
			return err
		}
		text, calls, written := toolcalls.Read(reply)
		a.messages = append(a.messages, a.assistantMessage(reply, text, calls, written))
		if len(calls) == 0 {
			idle++
			if len(a.Quotes) > 0 && text != "" {
				return nil
			}
			if idle > maxIdle {
				a.endedBy = "the model called no tools"
				return nil
			}
			if err := a.nudge(); err != nil {
				return err
			}
			continue
		}
		idle = 0
		done, fresh, err := a.makeCalls(ctx, calls, written)
		if err != nil {
			return err
		}
		if done && (len(a.Quotes) > 0 || stale > 0) {
			return nil
		}
		if stale++; fresh {
			stale = 0
		}
		if stale >= maxStale {
			a.endedBy = "the model made no progress"
			return nil
		}
	}
}

// begin opens the seed and writes the first messages.
func (a *run) begin(ctx context.Context) error {
	a.inherit()
	seedText := ""
	if seed := a.Opts.SeedURL; seed != "" {
		o, err := a.Navigate(ctx, page.Address{URL: seed}, research.Thinking("Opening the start page "+seed+".", nil))
		switch {
		case err != nil:
			return err
		case o.Outcome == research.OutcomeNetwork:
			return &research.Failure{Code: research.CodeSeedRefused, Message: "The seed URL was refused. " + o.Message}
		case o.Outcome != research.OutcomeOK:
			a.Failed = append(a.Failed, o)
			seedText = "It could not be read: " + o.Message
		default:
			if u, err := page.ParseURL(seed); err == nil {
				seed = u.String()
			}
			a.keepPage(o, seed)
			out, err := a.showBeginning(ctx, &a.Pages[a.byURL[seed]])
			if err != nil {
				return err
			}
			seedText = out.text
		}
	}
	data := map[string]any{"Question": a.Env.Task.Question, "Seed": seedText, "SeedURL": a.Opts.SeedURL, "Mark": a.mark,
		"Earlier": a.earlier(), "Evidence": a.shownProofs()}
	question, err := prompts.Fill("question", data)
	if err != nil {
		return err
	}
	a.messages = []llm.Message{{Role: llm.System}, {Role: llm.User, Text: question}}
	return nil
}

// researchOver reports whether research ends before another call of the model: an earlier run was done with it, or a budget is
// used up. A reply that is journaled is taken, whatever is left of the budgets.
func (a *run) researchOver(turn int) bool {
	if len(a.replay) > 0 {
		return purposeOf(a.replay[0]).Purpose != forResearch
	}
	switch {
	case a.Recorded(agent.ToolFind, map[string]any{"query": a.Env.Task.Question}): // an earlier run chose the evidence itself
		return true
	case turn >= maxTurns:
		a.endedBy = fmt.Sprintf("the model had made %d turns", maxTurns)
	case a.Env.ReadingTime() <= 0:
		a.NoteBudget("timeBudget")
	case a.tokensUp():
		a.NoteBudget("maxTokens")
	default:
		return false
	}
	return true
}

// tokensUp reports whether no tokens are left but those kept for the answer.
func (a *run) tokensUp() bool {
	most := a.maxTokens()
	return most > 0 && a.input+a.output >= most-most/answerShare
}

// makeCalls makes the calls of a reply and adds their results to the conversation.
func (a *run) makeCalls(ctx context.Context, calls []toolcalls.Call, written bool) (done, fresh bool, err error) {
	var results []string
	stop, err := a.prefetchCalls(ctx, calls)
	if err != nil {
		return false, false, err
	}
	defer stop()
	for i, c := range calls {
		var out shownOutcome
		spec := toolcalls.Named(c.Name)
		switch {
		case i >= maxCalls:
			out = shownOutcome{text: fmt.Sprintf("Error: at most %d calls in one turn; this one was not made.", maxCalls)}
		case spec != nil && spec.Name == toolcalls.Done:
			done = true
			out = shownOutcome{text: "The answer is written when quotes are cited. If they are, say DONE without calling a tool."}
		default:
			if out, err = a.carryOut(ctx, c); err != nil {
				return false, false, err
			}
		}
		fresh = fresh || out.fresh
		if written {
			results = append(results, "Result of "+c.Name+":\n"+out.text)
			continue
		}
		a.messages = append(a.messages, llm.Message{Role: llm.ToolRole, CallID: a.callID(i), Tool: c.Name, Text: out.text})
	}
	if written {
		a.messages = append(a.messages, llm.Message{Role: llm.User, Text: strings.Join(results, "\n\n")})
	}
	return done, fresh, nil
}

// nudge asks a model that called nothing to go on.
func (a *run) nudge() error {
	text, err := prompts.Fill("nudge", map[string]any{"Evidence": len(a.Quotes), "Pages": len(a.Pages)})
	if err != nil {
		return err
	}
	a.messages = append(a.messages, llm.Message{Role: llm.User, Text: text})
	return nil
}
