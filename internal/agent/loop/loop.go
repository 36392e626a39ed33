package loop

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"legwork/internal/agent"
	"legwork/internal/agent/addresses"
	"legwork/internal/agent/conversation"
	"legwork/internal/agent/modelcalls"
	"legwork/internal/agent/pagetext"
	"legwork/internal/agent/prompts"
	"legwork/internal/agent/quotes"
	"legwork/internal/agent/toolcalls"
	"legwork/internal/llm"
	"legwork/internal/page"
	"legwork/internal/research"
)

// Bounds of a conversation. maxCalls and maxRepeats limit single calls. If the model exceeds another bound, the research
// ends.
const (
	maxTurns   = 80
	maxCalls   = 8 // greatest number of calls that are made for one reply; the model is told that the others were not made
	maxRepeats = 2 // how often the same call with the same arguments is answered
	maxIdle    = 2 // greatest number of successive replies that neither call a tool nor say that the research is over
	maxDoubts  = 1 // how often the model is asked to look once more after it said that the answer cannot be found
	maxStale   = 4 // number of successive replies whose calls gave nothing new, after which research ends

	// Replies that neither opened a page nor kept a quote: after warnBarren of them in a row the model is told, and after
	// maxBarren the research ends. So a model that varies its queries without an end is stopped.
	warnBarren = 6
	maxBarren  = 12
)

// answerReserve is the part of the time budget that is kept for the answer, if the budget is at least twice as long.
const answerReserve = 30 * time.Second

// Ask researches a task with a language model. The model chooses tool calls and sees their results until it says that it is done
// or a budget ends the research. Then it writes the answer from the verified quotes alone. The error is a *research.Failure,
// research.ErrFenced, the context's error, or a database error.
//
// Each reply of the model is journaled before its tool calls are made, and each tool call before the model sees its
// result. So a resumed run takes the same steps and makes no call twice.
func Ask(ctx context.Context, env agent.Env, model llm.Model, limits modelcalls.Limits) (research.Result, error) {
	env.Reserve = answerReserve
	session := agent.NewSession(env)
	a := &run{Session: session, Caller: modelcalls.New(session, model, limits), mark: prompts.Mark(env.Task.ID),
		texts: map[string]*pagetext.Doc{}, byURL: map[string]int{}, known: addresses.Known{}, repeats: map[string]int{},
		shown: map[string][]quotes.Span{}, showing: map[string][]quotes.Span{}, seen: pagetext.Seen{}, shows: map[int][]shownPart{}, prompt: env.Task.Pin.Prompt}
	if !prompts.Known(a.prompt) {
		a.prompt = prompts.Version
	}
	if res, planned, err := a.deeply().Run(ctx); err != nil || planned {
		return res, err
	}
	gather := a.research
	if a.Opts.Effort == research.Quick {
		gather = a.readQuickly
	}
	if err := gather(ctx); err != nil {
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
	*modelcalls.Caller
	mark   string // name of the tag around untrusted text
	talk   *conversation.Conversation
	inText bool // the model does not support tools, so it is asked to write calls into its text

	early     map[string]page.Address // pages of the current reply that are loaded early, by URL
	byURL     map[string]int          // for each URL of an open page, its index in Pages
	known     addresses.Known
	texts     map[string]*pagetext.Doc
	repeats   map[string]int
	queries   []string                 // the queries of all searches
	removed   []agent.Quote            // quotes that the model removed with uncite
	shown     map[string][]quotes.Span // by page id: the parts of the text that the model saw last; its quotes are looked for there first
	showing   map[string][]quotes.Span // by page id: the parts that the current calls will show; the model sees them with its next request
	seen      pagetext.Seen            // all parts of pages that the model has seen
	shows     map[int][]shownPart      // by number of a message: the parts of pages that it shows
	notes     []string                 // the model's remarks for the one that writes the answer
	gained    bool                     // the calls of the current reply opened a page or kept a quote
	unkept    bool                     // a quote of the current reply was not kept
	citingFor string                   // the part of the question that the quotes of the current call serve
	prompt    string                   // version of the prompts
	ending    toolcalls.Ending         // how the model ended its research
	endedBy   string                   // reason, other than a budget, why the research ended; for the result's metadata
}

// research asks the model for tool calls until the model is done or a bound is reached.
func (a *run) research(ctx context.Context) error {
	if err := a.begin(ctx); err != nil {
		return err
	}
	idle, stale, barren, doubts, called := 0, 0, 0, 0, false
	for turn := 0; ; turn++ {
		if a.researchOver(turn) {
			return nil
		}
		reply, inTime, err := a.askModel(ctx)
		if err != nil || !inTime {
			return err
		}
		text, calls, written := toolcalls.Read(reply)
		a.talk.Add(a.assistantMessage(reply, text, calls, written))
		ending, fresh := toolcalls.Ending{}, false
		a.gained = false
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
		if barren++; a.gained {
			barren = 0
		}
		switch {
		case stale >= maxStale:
			a.endedBy = "the model made no progress"
			return nil
		case barren >= maxBarren:
			a.endedBy = fmt.Sprintf("the model neither opened a page nor kept a quote in %d replies", barren)
			return nil
		case barren == warnBarren:
			a.talk.Tell(fmt.Sprintf("You neither opened a page nor kept a quote in %d turns. The research ends after %d. Cite, open another page, or call done.", barren, maxBarren))
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
			_, fragment, _ := strings.Cut(a.Opts.SeedURL, "#")
			out, err := a.showPage(ctx, &a.Pages[a.byURL[seed]], fragment)
			if err != nil {
				return err
			}
			seedText = out.text
			a.shows[1] = out.parts
		}
	}
	data := map[string]any{"Question": a.Env.Task.Question, "Seed": seedText, "SeedURL": a.Opts.SeedURL, "Mark": a.mark,
		"Earlier": a.earlier(), "Evidence": a.shownProofs(), "MaxPages": a.Opts.MaxPages, "MaxDepth": a.Opts.MaxDepth,
		"Seconds": int(a.Opts.TimeBudget.Seconds()), "Tokens": a.MaxTokens(), "SameDomain": a.Opts.SameDomainOnly}
	a.haveShown()
	question, err := prompts.Fill(a.prompt, "question", data)
	if err != nil {
		return err
	}
	a.talk = conversation.New(question, a.mark, conversation.SizeOf(a.Model.Window()), a.Env.Task.Context != nil) // the question of a follow-up has the quotes of its parent
	return nil
}

// researchOver reports whether the research has ended, so that the model is not asked again: an earlier run had finished
// the research, or a budget is used up. Budgets do not apply to replies that are replayed from the journal.
func (a *run) researchOver(turn int) bool {
	if next, ok := a.Replay(); ok {
		return next.Purpose != modelcalls.ForResearch
	}
	switch {
	case a.Recorded(agent.ToolFind, map[string]any{"query": a.Env.Task.Question}): // in an earlier run, the reader already chose the evidence
		return true
	case turn >= maxTurns:
		a.endedBy = fmt.Sprintf("the model had made %d turns", maxTurns)
	case a.Env.ReadingTime() <= 0:
		a.NoteBudget("timeBudget")
	case a.TokensUp():
		a.NoteBudget("maxTokens")
	default:
		return false
	}
	return true
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
	a.unkept = false
	first, movesOn := a.talk.Len(), false
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
			if a.unkept { // the model did not know that when it made the call
				out = shownOutcome{text: "Not done: a quote of this turn was not kept. Cite it again, or call done once more to go without it."}
				break
			}
			ending = toolcalls.CallEnding(args)
			out = shownOutcome{text: "The answer is written from the quotes that are cited. If there are none, cite first, or call done with answered false and the reason."}
			if ending.NotFound {
				out.text = "Noted."
			}
		default:
			if out, err = a.carryOut(ctx, c); err != nil {
				return ending, false, err
			}
		}
		fresh = fresh || out.fresh
		movesOn = movesOn || spec != nil && spec.Shows()
		if written {
			results = append(results, "Result of "+c.Name+":\n"+out.text)
			continue
		}
		a.shows[a.talk.Len()] = out.parts
		a.talk.Add(llm.Message{Role: llm.ToolRole, CallID: a.callID(i), Tool: c.Name, Text: out.text})
	}
	if movesOn {
		a.leaveOutQuoted(first)
	}
	if written {
		a.talk.Add(llm.Message{Role: llm.User, Text: strings.Join(results, "\n\n")})
	}
	return ending, fresh, nil
}

// leaveOutQuoted leaves the texts of pages that the model has read and quoted out of the messages before the given one, and
// the texts that it was shown before those. It is called when the model moves on. Lists of links and of search results
// stay. A text is left out soon after it was read, so that nearly all of the beginning of the requests stays as it is.
func (a *run) leaveOutQuoted(before int) {
	last := 0
	for i, parts := range a.shows {
		if i < before && slices.ContainsFunc(parts, a.quotedFrom) {
			last = max(last, i)
		}
	}
	for i, parts := range a.shows {
		if i <= last && len(parts) > 0 {
			a.talk.LeaveOut(i)
			delete(a.shows, i)
		}
	}
}

// quotedFrom reports whether a quote was taken from a part of a page.
func (a *run) quotedFrom(p shownPart) bool {
	return slices.ContainsFunc(a.Quotes, func(q agent.Quote) bool { return q.PageID == p.pageID && q.Start >= p.Start && q.End <= p.End })
}

// haveShown records which parts of pages the model sees with its next request (see the fields shown and showing).
func (a *run) haveShown() {
	maps.Copy(a.shown, a.showing)
	clear(a.showing)
}

// nudge is the reason why the model is asked to continue. The zero value means that the reply neither called a tool nor
// said that the research is over.
type nudge struct {
	NotFound bool // the model said for the first time that the answer cannot be found
	Cut      bool // the model's reply reached the limit of output tokens
}

// nudge asks the model to continue.
func (a *run) nudge(n nudge) error {
	text, err := prompts.Fill(a.prompt, "nudge", map[string]any{"Evidence": len(a.Quotes), "Pages": len(a.Pages), "NotFound": n.NotFound, "Cut": n.Cut})
	if err != nil {
		return err
	}
	a.talk.Add(llm.Message{Role: llm.User, Text: text})
	return nil
}
