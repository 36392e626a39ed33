package loop

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"legwork/internal/agent"
	"legwork/internal/agent/answertext"
	"legwork/internal/agent/modelcalls"
	"legwork/internal/agent/prompts"
	"legwork/internal/agent/report"
	"legwork/internal/agent/support"
	"legwork/internal/research"
)

// composed is the text of a result and what belongs to it.
type composed struct {
	text           string             // the whole answer or report
	checked        answertext.Checked // the part of it that the model wrote from quotes; Used has all quotes that the result cites
	notAnswered    bool
	flaw           string
	contradictions []research.Contradiction
	review         *support.Review // how far the quotes support it; nil if that was not judged yet
	metadata       map[string]any  // further metadata of the result
}

// writer returns what writes reports and data from the quotes of the run.
func (a *run) writer(stream *answertext.Stream) *report.Writer {
	w := &report.Writer{Question: a.Env.Task.Question, Mark: a.mark, Prompts: prompts.Report, Window: min(modelcalls.MaxAnswerPrompt, a.answerSize()), Quotes: a.Quotes,
		SourceOf: a.SourceOf, Stream: stream, Ready: a.Ready}
	w.Earlier = agent.EarlierQuestions(a.Env.Task)
	shown := a.shownProofs()
	w.Context = func(n int) report.Context {
		p := shown[n-1]
		return report.Context{Under: strings.Trim(p.Title+" › "+p.Path, " ›"), Before: p.Before, After: p.After, For: p.For}
	}
	w.Notes = a.notesForPrompt()
	if next, ok := a.Replay(); ok {
		w.Prompts = cmp.Or(next.Prompts, w.Prompts)
	}
	w.Model = func(ctx context.Context, c report.Call) (report.Text, error) {
		p := modelcalls.Purpose{Purpose: c.Purpose, Number: c.Number, Of: c.Of, Heading: c.Heading, Prompts: w.Prompts}
		if c.Purpose == report.ForOutline {
			p.Budget, p.Ended = a.Budget, a.endedBy
		}
		t, err := a.Compose(ctx, modelcalls.Composing{Purpose: p, First: c.Messages, MaxTokens: c.MaxTokens, Stream: c.Stream, JSON: c.JSON})
		return report.Text(t), err
	}
	return w
}

// writeReport lets the model write a report. If no section could be written, the quotes serve as the answer.
func (a *run) writeReport(ctx context.Context, w *report.Writer) (composed, error) {
	all := make([]int, len(a.Quotes)) // the sections have the numbers of the quotes as their markers
	for i := range all {
		all[i] = i + 1
	}
	judged := a.newReview(all)
	w.Review = func(ctx context.Context, finished bool, parts []string) (changed []string, removed int, err error) {
		judged.round = modelcalls.BeforeSummary
		if finished {
			judged.round = 0
		}
		changed, err = judged.do(ctx, parts...)
		return changed, judged.Review.Removed, err
	}
	r, err := w.Write(ctx, cmp.Or(a.Opts.Length, research.ReportLength), a.reportFacts())
	if err != nil {
		return composed{}, err
	}
	switch {
	case r.NotAnswered:
		return a.notAnswered(r.Text), nil
	case r.Text == "":
		c := a.quoteAll("The model wrote no report. These are the quotes that it found, word for word.")
		return composed{text: c.Text, checked: c, flaw: cmp.Or(r.Flaw, "the model wrote no report")}, nil
	}
	return composed{text: r.Text, checked: r.Written, flaw: r.Flaw, contradictions: r.Contradictions, review: &judged.Review,
		metadata: map[string]any{"reportPrompts": w.Prompts, "sections": r.Sections, "sectionsPlanned": r.Planned, "words": report.Words(r.Written.Text)}}, nil
}

// notAnswered is the text of a result whose quotes do not answer the question.
func (a *run) notAnswered(text string) composed {
	c := a.checked(text)
	c.Text = strings.TrimSpace(cmp.Or(c.Text, "The quotes do not answer the question.") + "\n\n" + agent.SearchedAndRead(a.queries, a.Pages))
	return composed{text: c.Text, checked: c, notAnswered: true}
}

// reportFacts are sentences about the research that limit what a report can say.
func (a *run) reportFacts() []string {
	groups, sites := map[int]bool{}, map[string]bool{}
	for _, g := range agent.SourceGroups(a.Quotes) {
		groups[g] = true
	}
	for _, q := range a.Quotes {
		sites[agent.HostDomain(q.URL)] = true
	}
	facts := []string{fmt.Sprintf("The quotes are from %d sites; pages with different texts: %d. %d pages were read, and %d could not be read.",
		len(sites), len(groups), len(a.Pages), len(a.Failed))}
	if a.Budget != "" {
		facts = append(facts, fmt.Sprintf("The budget %s ended the research.", a.Budget))
	}
	return facts
}

// addData adds the answer as data to a result, if the task has a schema. It may add quotes to those that the result cites.
func (a *run) addData(ctx context.Context, w *report.Writer, c *composed, res *research.Result) error {
	if len(a.Opts.OutputSchema) == 0 {
		return nil
	}
	data, err := w.Data(ctx, a.Opts.OutputSchema, c.text, &c.checked.Used)
	if err != nil {
		return err
	}
	res.Data, res.DataBasis = data.JSON, data.Basis
	if data.Problem != "" {
		if c.metadata == nil {
			c.metadata = map[string]any{}
		}
		c.metadata["dataProblem"] = data.Problem
	}
	return nil
}
