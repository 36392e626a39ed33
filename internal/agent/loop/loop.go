package loop

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"legwork/internal/agent"
	"legwork/internal/agent/prompts"
	"legwork/internal/agent/quotes"
	"legwork/internal/agent/toolcalls"
	"legwork/internal/llm"
	"legwork/internal/page"
	"legwork/internal/research"
)

// Bounds of a conversation. Research ends when a model exceeds one.
const (
	maxTurns   = 80
	maxCalls   = 8 // calls carried out of one reply
	maxRepeats = 2 // times that the same call is answered
	maxIdle    = 2 // replies in a row that neither call a tool nor say that the research is over
	maxDoubts  = 1 // times that the model is asked to look once more when it says that the answer is not to be found
	maxStale   = 4 // replies in a row whose calls gave nothing new
)

// Bounds of a request; those of its text are in bytes. Older tool results are shortened first. The journal keeps all results in full.
const (
	maxContext   = 160_000
	minContext   = 12_000
	keptOfOlder  = 200
	answerShare  = 8    // one eighth of the token budget is reserved for the answer
	answerTokens = 2048 // output tokens
)

// Purposes of model calls, as written in the journal.
const (
	forResearch = "research"
	forAnswer   = "answer"
	forSupport  = "support"
)

// Limits bound the tokens that a task may use, and set their prices.
type Limits struct {
	MaxTokens int64   // of one task, input and output together; 0: no limit. A task may set a lower limit
	Prices    []Price // the first price that fits the model's name is used; without one, no cost is recorded
	Support   bool    // whether the model judges, after the answer, how far its quotes support it
}

// Ask researches a task with a language model. The model chooses tool calls and sees their results until it says that it is done
// or a budget ends the research. Then it writes the answer from the verified quotes alone. The error is a *research.Failure,
// research.ErrFenced, the context's error, or a database error.
//
// Each reply of the model is journaled before anything is done with it, and each tool call before its result is shown. So a
// resumed run repeats the same steps and makes no call twice.
func Ask(ctx context.Context, env agent.Env, model llm.Model, limits Limits) (research.Result, error) {
	a := &run{Session: agent.NewSession(env), model: model, limits: limits, window: maxContext, mark: prompts.Mark(env.Task.ID),
		texts: map[string]*quotes.Text{}, byURL: map[string]int{}, known: map[string]origin{}, repeats: map[string]int{},
		shown: map[string][]quotes.Span{}, showing: map[string][]quotes.Span{}, prompt: env.Task.Pin.Prompt}
	if !prompts.Known(a.prompt) {
		a.prompt = prompts.Version
	}
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

// run is one run of the loop. Its decisions depend only on the task, the journal, the model's replies and the budgets.
type run struct {
	*agent.Session
	model    llm.Model
	limits   Limits
	mark     string // name of the tag around untrusted text
	messages []llm.Message
	window   int             // bytes of text that a request may contain
	inText   bool            // the model does not support tools; it writes calls into its text
	replay   []research.Step // model replies of earlier runs that are still to be replayed
	pending  []research.Event
	input    int64 // tokens
	output   int64
	cost     float64
	priced   bool // at least one reply had a price

	early   map[string]page.Address // pages of the current reply that are loaded early, by URL
	byURL   map[string]int          // index into Pages
	known   map[string]origin
	texts   map[string]*quotes.Text
	repeats map[string]int
	queries []string                 // what was searched for
	removed []agent.Quote            // quotes that the model took back
	shown   map[string][]quotes.Span // by page: the parts that the model was shown last, which its quotes are taken from
	showing map[string][]quotes.Span // the same for the reply that is being carried out, which the model has not seen yet
	prompt  string                   // version of the prompts
	ending  toolcalls.Ending         // how the model ended its research
	endedBy string                   // reason, other than a budget, why research ended; for the result's metadata
}

// research asks the model for tool calls until it is done or a bound is reached.
func (a *run) research(ctx context.Context) error {
	if err := a.begin(ctx); err != nil {
		return err
	}
	idle, stale, doubts, called := 0, 0, 0, false
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
		ending, fresh := toolcalls.Ending{}, false
		cut := len(calls) == 0 && reply.Stop == llm.StopLength
		switch {
		case len(calls) > 0:
			if ending, fresh, err = a.makeCalls(ctx, calls, written); err != nil {
				return err
			}
		case !cut:
			ending = toolcalls.TextEnding(text)
		}
		if ending.NotFound {
			if doubts++; doubts > maxDoubts {
				a.ending = ending
				return nil
			}
			if err := a.nudge(nudge{NotFound: true}); err != nil {
				return err
			}
			continue
		}
		if ending.Done && len(a.Quotes) > 0 {
			return nil
		}
		if len(calls) == 0 {
			if idle++; idle > maxIdle {
				a.endedBy = "the model called no tools"
				return nil
			}
			a.inText = a.inText || idle == maxIdle && !called // the server may ignore tools without an error
			if err := a.nudge(nudge{Cut: cut}); err != nil {
				return err
			}
			continue
		}
		idle, called = 0, true
		if ending.Done && stale > 0 {
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

// begin opens the start page, if the task has one, and writes the first messages.
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
	a.haveShown()
	question, err := prompts.Fill(a.prompt, "question", data)
	if err != nil {
		return err
	}
	a.messages = []llm.Message{{Role: llm.System}, {Role: llm.User, Text: question}}
	return nil
}

// researchOver reports whether research ends before the model is asked again: an earlier run had finished it, or a budget is used
// up. Budgets do not apply to replies that are replayed from the journal.
func (a *run) researchOver(turn int) bool {
	if len(a.replay) > 0 {
		return purposeOf(a.replay[0]).Purpose != forResearch
	}
	switch {
	case a.Recorded(agent.ToolFind, map[string]any{"query": a.Env.Task.Question}): // an earlier run let the reader choose the evidence
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

// tokensUp reports whether only the tokens reserved for the answer are left.
func (a *run) tokensUp() bool {
	most := a.maxTokens()
	return most > 0 && a.input+a.output >= most-most/answerShare
}

// makeCalls makes the tool calls of a reply and adds their results to the conversation.
func (a *run) makeCalls(ctx context.Context, calls []toolcalls.Call, written bool) (ending toolcalls.Ending, fresh bool, err error) {
	var results []string
	stop, err := a.prefetchCalls(ctx, calls)
	if err != nil {
		return ending, false, err
	}
	defer stop()
	defer a.haveShown()
	for i, c := range calls {
		var out shownOutcome
		spec := toolcalls.Named(c.Name)
		switch {
		case i >= maxCalls:
			out = shownOutcome{text: fmt.Sprintf("Error: at most %d calls in one turn; this one was not made.", maxCalls)}
		case spec != nil && spec.Name == toolcalls.Done:
			args, err := spec.Arguments(c.Arguments)
			if err != nil {
				args = nil
			}
			ending = toolcalls.CallEnding(args)
			out = shownOutcome{text: "The answer is written from the quotes that are cited. If there are none, cite first, or call done with answered false and the reason."}
		default:
			if out, err = a.carryOut(ctx, c); err != nil {
				return ending, false, err
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
	return ending, fresh, nil
}

// haveShown notes what the model sees with its next request.
func (a *run) haveShown() {
	maps.Copy(a.shown, a.showing)
	clear(a.showing)
}

// nudge says why the model is asked to continue. The zero value: it neither called a tool nor said that it is done.
type nudge struct {
	NotFound bool // it says for the first time that the answer is not to be found
	Cut      bool // its reply reached the limit of tokens
}

// nudge asks the model to continue.
func (a *run) nudge(n nudge) error {
	text, err := prompts.Fill(a.prompt, "nudge", map[string]any{"Evidence": len(a.Quotes), "Pages": len(a.Pages), "NotFound": n.NotFound, "Cut": n.Cut})
	if err != nil {
		return err
	}
	a.messages = append(a.messages, llm.Message{Role: llm.User, Text: text})
	return nil
}
