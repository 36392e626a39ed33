package planning

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"legwork/internal/llm"
	"legwork/internal/research"
)

// Purposes of the model calls, as written in the journal.
const (
	ForPlan = "plan"
	ForGaps = "gaps"
)

// Bounds of plans.
const (
	mostPlanned = 8 // sub-questions of the first round
	mostGaps    = 4 // sub-questions of the second round

	// MostTokens is the greatest number of output tokens of a reply.
	MostTokens = 4096

	// Least that must be left of the pool for a second round.
	minGapSeconds = 10
	minGapTokens  = 2000
)

// Deep decides what a run of a deep task does: it plans, plans a second round, or writes the answer.
type Deep struct {
	Task     research.Task
	Children []research.Child
	Left     research.Share // what is left of the pool
	Mark     string         // name of the tag around text from the web
	Defuse   func(string) string
	// Ask makes a model call, or takes its reply from the journal. If the model fails, its error is a *research.Failure.
	Ask func(ctx context.Context, purpose string, messages []llm.Message) (reply string, err error)
	// Journaled reports whether the next reply in the journal is that of a call with this purpose.
	Journaled func(purpose string) bool
	// GiveUp reports whether a call that failed transiently is not worth another try of the task.
	GiveUp func() bool
	// Write writes the answer from the evidence of the children. quoted is false if they have no evidence.
	Write func(ctx context.Context) (res research.Result, quoted bool, err error)
}

// Run returns a plan instead of an answer, or the answer, which names the sub-questions without one. planned is false if
// the task is not deep, or the model made no plan; then the task is to be researched as a standard one.
func (d Deep) Run(ctx context.Context) (res research.Result, planned bool, err error) {
	if d.Task.Options.Effort != research.Deep {
		return res, false, nil
	}
	plan, planned, err := d.Next(ctx)
	if err != nil || plan != nil || !planned {
		return research.Result{Plan: plan}, planned, err
	}
	missing, lines, all := d.Unanswered()
	if all {
		return res, true, &research.Failure{Code: research.CodeNoSources, Message: "None of the sub-questions could be researched:" + lines}
	}
	res, quoted, err := d.Write(ctx)
	if err != nil {
		return res, true, err
	}
	if !quoted {
		res.Answer, res.NotFound = "The pages that were read do not answer the question.", true
		res.Metadata["partial"] = true
	}
	res.Metadata["subquestions"] = len(d.Children)
	if len(missing) > 0 {
		res.Answer += "\n\nThese sub-questions were not answered:\n" + lines
		res.Metadata["gaps"], res.Metadata["partial"] = missing, true
	}
	return res, true, nil
}

// Next returns the plan of the next round, or nil if the answer is to be written. planned is false if the model made no
// plan at all; then the task is researched as a standard one.
func (d Deep) Next(ctx context.Context) (plan *research.Plan, planned bool, err error) {
	question := Question{Text: d.Task.Question, Most: mostPlanned, Pages: d.Task.Options.MaxPages, Now: time.Now()}
	if o := d.Task.Options; o.SameDomainOnly {
		if u, err := url.Parse(o.SeedURL); err == nil {
			question.Domain = u.Hostname()
		}
	}
	subs, err := d.ask(ctx, ForPlan, question.Most, question.Plan)
	switch {
	case err != nil:
		return nil, true, err
	case len(d.Children) > 0: // the plan of an earlier run, perhaps changed by the user
		plan, err = d.gaps(ctx, question)
		return plan, true, err
	case len(subs) == 0:
		return nil, false, nil
	}
	return &research.Plan{Round: 1, Subquestions: subs}, true, nil
}

// ask asks for sub-questions, and once more if the reply cannot be read.
func (d Deep) ask(ctx context.Context, purpose string, most int, prompt func() (system, request string)) ([]research.Subquestion, error) {
	system, request := prompt()
	messages := []llm.Message{{Role: llm.System, Text: system}, {Role: llm.User, Text: request}}
	for range 2 {
		reply, err := d.Ask(ctx, purpose, messages)
		if err != nil {
			return nil, err
		}
		if subs, ok := Read(reply, most); ok {
			return subs, nil
		}
		messages = append(messages, llm.Message{Role: llm.Assistant, Text: research.Truncate(reply, 2000) + " "}, llm.Message{Role: llm.User, Text: again})
	}
	return nil, nil
}

// gaps asks the model, after the first round, whether something is missing or contradictory. It returns nil if there is no
// second round: because nothing is missing, nothing is left of the pool, or the model did not say.
func (d Deep) gaps(ctx context.Context, question Question) (*research.Plan, error) {
	round, last := 0, 0
	for _, c := range d.Children {
		round, last = max(round, c.Round), max(last, c.Number)
	}
	question.Most = min(mostGaps, research.MaxChildren-last)
	worth := round < research.MaxRounds && question.Most > 0 && d.Left.Pages > 0 && d.Left.Seconds >= minGapSeconds && (d.Left.Tokens == nil || *d.Left.Tokens >= minGapTokens)
	if !worth && !d.Journaled(ForGaps) {
		return nil, nil //nolint:nilnil // nil is the value "no second round"
	}
	subs, err := d.ask(ctx, ForGaps, max(1, question.Most), func() (string, string) { return question.Gaps(d.Children, d.Mark, d.Defuse) })
	var failure *research.Failure
	switch {
	case errors.As(err, &failure) && (!failure.Transient || d.GiveUp()): // the answer is written without a second round
		return nil, nil //nolint:nilnil // as above
	case err != nil || len(subs) == 0 || round >= research.MaxRounds:
		return nil, err
	}
	return &research.Plan{Round: research.MaxRounds, Subquestions: subs}, nil
}

// Unanswered returns the sub-questions without an answer, for the metadata of the result, and as lines for the answer.
// all is true if none could be researched.
func (d Deep) Unanswered() (missing []map[string]any, lines string, all bool) {
	var b strings.Builder
	all = true
	for _, c := range d.Children {
		var reason string
		all = all && c.Status != research.Completed
		switch {
		case c.Error != nil:
			reason = *c.Error
		case c.Answered != nil && !*c.Answered:
			reason = "The pages that were read do not answer it."
		default:
			continue
		}
		missing = append(missing, map[string]any{"number": c.Number, "question": c.Question, "status": string(c.Status), "reason": reason})
		fmt.Fprintf(&b, "\n- %s (%s)", c.Question, strings.TrimRight(reason, "."))
	}
	return missing, b.String(), all
}
