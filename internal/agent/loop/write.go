package loop

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"time"

	"legwork/internal/agent/answertext"
	"legwork/internal/agent/prompts"
	"legwork/internal/agent/report"
	"legwork/internal/agent/toolcalls"
	"legwork/internal/llm"
)

// Bounds of the calls that write the answer.
const (
	maxContinued = 2 // how often an answer is continued after it reached the limit of output tokens
	maxRewritten = 1 // how often the answer is asked for again after a reply that is no answer (see flawOf)
	maxSameLine  = 4 // number of equal long lines or sentences from which an answer counts as repeating itself
)

// written is the text of an answer, and the reason why it is incomplete or unusable. The reason is empty for a good
// answer.
type written struct {
	text string
	flaw string
	over bool // no further calls are possible: the time is up, or the model failed
}

// write asks the model for the answer, in the words of the prompts.
func (a *run) write(ctx context.Context, stream *answertext.Stream) (written, error) {
	data := map[string]any{"Question": a.Env.Task.Question, "Earlier": a.earlier(), "Evidence": a.shownProofs(),
		"Mark": a.mark, "Date": time.Now().UTC().Format("Monday, 2 January 2006")}
	rules, err := prompts.Fill(a.prompt, "answer_system", data)
	if err != nil {
		return written{}, err
	}
	ask, err := prompts.Fill(a.prompt, "answer", data)
	if err != nil {
		return written{}, err
	}
	more, tokens, err := a.wishes()
	if err != nil {
		return written{}, err
	}
	o := composing{purpose: purpose{Purpose: forAnswer, Budget: a.Budget, Ended: a.endedBy}, maxTokens: tokens, stream: stream, hold: true,
		first: []llm.Message{{Role: llm.System, Text: rules + more}, {Role: llm.User, Text: ask}}}
	return a.compose(ctx, o)
}

// wishes returns the rules for the answer that depend on the task's options, and the limit of output tokens.
func (a *run) wishes() (rules string, tokens int, err error) {
	rules, err = prompts.Fill(prompts.Report, "contradictions", nil)
	tokens = answerTokens
	if words := a.Opts.Length; words > 0 && err == nil {
		var length string
		length, err = prompts.Fill(prompts.Report, "length", map[string]any{"Words": words})
		rules, tokens = length+"\n"+rules, min(max(words*tokensPerWord, answerTokens), mostTokens)
	}
	return "\n" + rules, tokens, err
}

// Output tokens of an answer whose length is wanted.
const (
	tokensPerWord = 3
	mostTokens    = 8192
)

// composing describes a text that the model is to write.
type composing struct {
	purpose   purpose
	first     []llm.Message
	maxTokens int                // of one reply
	stream    *answertext.Stream // nil if the text is not published
	hold      bool               // the text may end with contradictions, which are not published
	json      bool               // the text is JSON, so that it may look like tool calls

	streamed *string // the part of the text that the stream has got
}

// compose asks the model for a text. A text that reached the limit of tokens is continued. The text is asked for once
// more if it is empty, calls tools, contains the tags of our prompts or repeats itself. If the call fails permanently or
// the time is up, compose returns the reason and the whole sentences written so far; for an answer, the quotes then serve
// as the answer if there are none. After a transient failure it returns an error, which fails the task's try, unless
// this is the last try.
func (a *run) compose(ctx context.Context, o composing) (written, error) {
	messages, text, continued, rewritten := o.first, "", 0, 0
	o.streamed = new(string)
	for {
		reply, problem, err := a.writeOnce(ctx, o, messages, text)
		if err != nil {
			return written{}, err
		}
		if problem != "" {
			return written{text: wholeSentences(text), flaw: problem, over: true}, nil
		}
		whole := text + reply.Text
		flaw := flawOf(whole)
		if o.json {
			flaw = ""
		}
		switch {
		case flaw == "" && reply.Stop == llm.StopLength && continued < maxContinued && a.mayAsk(o.purpose):
			continued++
			text = whole
			messages = append(o.first[:len(o.first):len(o.first)], llm.Message{Role: llm.Assistant, Text: whole},
				llm.Message{Role: llm.User, Text: "Your answer reached the limit of length. Continue it exactly where it stops, without repeating anything."})
			continue
		case flaw == "" && reply.Stop == llm.StopLength && !o.json:
			return written{text: wholeSentences(whole), flaw: "the answer reached the limit of length"}, nil
		case flaw == "":
			return written{text: answertext.WithoutThinking(whole)}, nil
		case rewritten == maxRewritten || !a.mayAsk(o.purpose):
			return written{flaw: flaw}, nil
		}
		rewritten++
		text = ""
		messages = append(o.first[:len(o.first):len(o.first)], llm.Message{Role: llm.User, Text: "Write the answer now, once, as plain text: no tool calls, no tags."})
	}
}

// writeOnce makes one call for a text. before is the part of the text that earlier calls wrote. If the call gives no
// text, problem says why.
func (a *run) writeOnce(ctx context.Context, o composing, messages []llm.Message, before string) (reply llm.Reply, problem string, err error) {
	r := llm.Request{Messages: messages, MaxTokens: o.maxTokens}
	restart := func() {}
	if o.stream != nil {
		add, hold := o.stream.Add, report.NewHold(o.stream.Add)
		if o.hold {
			add = hold.Add
		}
		r.OnText = func(piece string) {
			*o.streamed += piece
			add(piece)
		}
		restart = func() {
			*o.streamed = ""
			hold.Restart()
			o.stream.Restart()
			r.OnText(before)
		}
		if before == "" || o.hold || *o.streamed != before { // otherwise the stream goes on where it is
			restart()
		}
	}
	reply, err = a.generate(ctx, o.purpose, r, restart)
	var failure *llm.Error
	switch {
	case errors.Is(err, errTimeUp):
		a.NoteBudget("timeBudget")
		return reply, "the time budget ended while the answer was written", nil
	case errors.As(err, &failure) && failure.Transient() && !a.Env.LastTry:
		return reply, "", failed(failure)
	case errors.As(err, &failure):
		return reply, failure.Message, nil
	}
	return reply, "", err
}

var ownMark = regexp.MustCompile(`(?i)</?\s*page-text-[0-9a-f]`)

// flawOf says why a text is not usable as an answer. It returns an empty string if the text is usable.
func flawOf(text string) string {
	plain, calls, _ := toolcalls.Read(llm.Reply{Text: text})
	switch {
	case plain == "":
		return "the model wrote no answer"
	case len(calls) > 0 && !answertext.HasMarker.MatchString(plain): // an answer with markers may show code that looks like a call
		return "the model called tools instead of writing the answer"
	case ownMark.MatchString(plain):
		return "the model repeated the marks of its prompt"
	case repeats(plain):
		return "the model repeated itself"
	}
	return ""
}

// repeats reports whether a text has the same long line or sentence maxSameLine times.
func repeats(text string) bool {
	seen := map[string]int{}
	for s := range answertext.Sentences(text) {
		s = strings.Join(strings.Fields(s), " ")
		if seen[s]++; seen[s] >= maxSameLine {
			return true
		}
	}
	return false
}

// sentenceEnd finds the ends of sentences, with the markers that follow.
var sentenceEnd = regexp.MustCompile(`[.!?。！？]["'”’)*]*(?:\s*\[[\d, ]+\])*(?:\s|$)|\n`)

// wholeSentences returns a text without an incomplete sentence at its end.
func wholeSentences(text string) string {
	text = answertext.WithoutThinking(text)
	all := sentenceEnd.FindAllStringIndex(text, -1)
	if len(all) == 0 {
		return ""
	}
	return strings.TrimSpace(text[:all[len(all)-1][1]])
}
