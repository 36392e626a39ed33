package report

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"legwork/internal/agent"
	"legwork/internal/agent/answertext"
	"legwork/internal/agent/prompts"
	"legwork/internal/llm"
	"legwork/internal/research"
)

// Purposes of the calls, as the journal has them.
const (
	ForOutline = "outline"
	ForSection = "section"
	ForSummary = "summary"
	ForData    = "data"
)

// Part says what a call writes.
type Part struct {
	Purpose string
	Number  int    // of the section, from 1; of the try, from 1, for data; otherwise 0
	Of      int    // number of sections; otherwise 0
	Heading string // of the section
}

// Call is one call of the model. If its reply reaches the limit of tokens, the model is asked to continue.
type Call struct {
	Part
	Messages  []llm.Message
	MaxTokens int                // of one reply
	JSON      bool               // the reply is JSON, and not a text to be published
	Stream    *answertext.Stream // publishes the text while it is written; nil if it is not published
}

// Text is what the model wrote in reply to a Call.
type Text struct {
	Text string
	Flaw string // why Text is incomplete or missing; empty if it is neither
	Over bool   // no further calls are possible: the time is up, or the model has failed for good
}

// Writer writes reports and data for one run.
type Writer struct {
	// Model makes a call, or takes its reply from the journal. An error ends the run.
	Model func(ctx context.Context, c Call) (Text, error)
	// Ready reports whether a part may still be written: the journal has it, or the budgets allow it.
	Ready func(p Part) bool

	// Review judges how far the quotes support parts of the report, and returns them with the changes that follow, and the
	// number of sentences that it has removed so far. finished means that the summary is written. It may be nil.
	Review func(ctx context.Context, finished bool, parts []string) (changed []string, removed int, err error)

	// Context returns what helps to understand the quote with a number. It may be nil.
	Context func(n int) Context
	Notes   []string // of the researcher

	Question string
	Earlier  []string // earlier questions, oldest first, of a follow-up
	Mark     string   // name of the tag around untrusted text
	Prompts  string   // version of the prompts
	Window   int      // greatest size of a request, in bytes
	Quotes   []agent.Quote
	SourceOf func(agent.Quote) agent.Source
	Stream   *answertext.Stream
}

// Report is a finished report, or the part of it that could be written.
type Report struct {
	Text           string                   // the whole report, as Markdown
	Written        answertext.Checked       // the summary and the sections alone, which the model wrote from quotes
	Contradictions []research.Contradiction // with markers of Text
	Sections       int                      // sections that were written
	Planned        int                      // sections of the outline
	Flaw           string                   // why the report is incomplete; empty if it is complete
	NotAnswered    bool                     // the model says that the quotes do not answer the question; only Text is set then, and says what is missing
}

// Context is what helps to understand a quote. It is no quote itself.
type Context struct {
	Under         string // the title of the page and the headings above the quote
	Before, After string // the words around it
	For           string // the part of the question that it serves
}

// quote is a quote as the prompts list it.
type quote struct {
	N                int
	Title, URL, Text string
	Dated            string // kind and dates of the source, in words
	Context
	Again bool // the page is that of the quote before, and so is Under
}

// listed returns the quotes with these numbers, for a prompt. If their texts have more than most bytes, each is cut.
func (w *Writer) listed(numbers []int, most int) []quote {
	size := 0
	for _, n := range numbers {
		size += len(w.Quotes[n-1].Text) + len(w.Quotes[n-1].Title) + len(w.Quotes[n-1].URL)
	}
	cut := math.MaxInt
	if size > most && len(numbers) > 0 {
		cut = max(most/len(numbers)/2, 80)
	}
	out := make([]quote, len(numbers))
	for i, n := range numbers {
		q := w.Quotes[n-1]
		var c Context
		if w.Context != nil && cut == math.MaxInt {
			c = w.Context(n)
		}
		out[i] = quote{N: n, Context: c, Title: research.Truncate(prompts.Defuse(q.Title), min(cut, 200)), URL: research.Truncate(q.URL, min(cut, 300)),
			Text: research.Truncate(prompts.Defuse(q.Text), cut), Dated: Described(w.SourceOf(q))}
		out[i].Again = i > 0 && out[i-1].URL == out[i].URL && out[i-1].Under == c.Under
	}
	return out
}

// Described says kind and dates of a source in words. It returns "" if nothing is known.
func Described(s agent.Source) string {
	var words []string
	if s.Kind != "" {
		words = append(words, string(s.Kind))
	}
	if s.PublishedAt != nil {
		words = append(words, "published "+day(*s.PublishedAt))
	}
	if s.ModifiedAt != nil && (s.PublishedAt == nil || day(*s.ModifiedAt) != day(*s.PublishedAt)) {
		words = append(words, "changed "+day(*s.ModifiedAt))
	}
	return strings.Join(words, ", ")
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// fill executes a prompt with the data that all prompts have.
func (w *Writer) fill(name string, more map[string]any) (string, error) {
	data := map[string]any{"Question": w.Question, "Earlier": w.Earlier, "Notes": w.Notes, "Mark": w.Mark, "Date": time.Now().UTC().Format("Monday, 2 January 2006")}
	for k, v := range more {
		data[k] = v
	}
	return prompts.Fill(w.Prompts, name, data)
}

// messages fills in the two prompts of a call, whose names are name_system and name.
func (w *Writer) messages(name string, data map[string]any) ([]llm.Message, error) {
	rules, err := w.fill(name+"_system", data)
	if err != nil {
		return nil, err
	}
	ask, err := w.fill(name, data)
	if err != nil {
		return nil, err
	}
	return []llm.Message{{Role: llm.System, Text: rules}, {Role: llm.User, Text: ask}}, nil
}

// Output tokens of one reply. A longer text is continued in further replies.
const (
	outlineTokens  = 3000
	dataTokens     = 4096
	tokensPerWord  = 3 // with markers and Markdown, in languages with long words
	leastTokens    = 1024
	mostTokens     = 8192
	sectionWords   = 450 // words of a usual section
	mostSections   = 24
	summaryShare   = 8  // the summary has an eighth (1/summaryShare) of the words
	endShare       = 20 // open questions and limits have a twentieth
	mostSummary    = 400
	mostEnd        = 150
	leastSummary   = 40
	leastPerPart   = 40
	quotesPerShare = 2 // a half (1/quotesPerShare) of the window is for quotes
)

// tokensFor returns the limit of output tokens for a text with this number of words.
func tokensFor(words int) int { return min(max(words*tokensPerWord, leastTokens), mostTokens) }

// Write writes a report of about this number of words. facts are sentences about the research that limit the report.
func (w *Writer) Write(ctx context.Context, words int, facts []string) (Report, error) {
	plan, rest, err := w.outline(ctx, words)
	if err != nil || rest.NotAnswered || len(plan.Sections) == 0 {
		return rest, err
	}
	d := &draft{Writer: w, outline: plan, facts: facts, words: words}
	if err := d.sections(ctx); err != nil {
		return Report{}, err
	}
	if err := d.review(ctx, false); err != nil {
		return Report{}, err
	}
	if d.written() == 0 {
		return Report{Planned: len(plan.Sections), Flaw: d.flaw}, nil
	}
	if err := d.finish(ctx); err != nil {
		return Report{}, err
	}
	if err := d.review(ctx, true); err != nil {
		return Report{}, err
	}
	return d.report(), nil
}

// draft is a report that is being written. Its texts have the numbers of the quotes, not yet markers.
type draft struct {
	*Writer
	outline
	facts []string
	words int
	flaw  string

	summary        string
	questions      []string
	limits         []string
	contradictions []named
	finished       bool // the last pass was made
	removed        int  // number of sentences that were removed because their quotes do not support them
}

// written counts the sections that have a text.
func (d *draft) written() int {
	n := 0
	for _, s := range d.Sections {
		if s.Text != "" {
			n++
		}
	}
	return n
}

// note records why the report is incomplete. The first reason is kept.
func (d *draft) note(format string, args ...any) {
	if d.flaw == "" {
		d.flaw = fmt.Sprintf(format, args...)
	}
}
