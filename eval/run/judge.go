package main

import (
	"net/url"
	"path"
	"regexp"
	"strings"
	"unicode/utf8"
)

// maxExcerpt is the greatest length of an excerpt, in code points. A longer excerpt is not accepted, because it is a
// page rather than a quote.
const maxExcerpt = 400

// Verdict is the result of one question.
type Verdict struct {
	ID         string   `json:"id"`
	Question   string   `json:"question"`
	TaskID     string   `json:"taskId,omitempty"`
	Status     string   `json:"status"`     // the task's last known status; "unreachable" if the API did not answer
	Found      bool     `json:"found"`      // whether a right page is cited with an excerpt of allowed length that contains an accepted text
	RightPage  bool     `json:"rightPage"`  // whether a right page is cited, whatever the excerpt says
	InAnswer   bool     `json:"inAnswer"`   // whether the answer contains an accepted text
	Citations  int      `json:"citations"`  // number of citations of the task
	Verified   int      `json:"verified"`   // citations whose quote the server found in the page
	TooLong    int      `json:"tooLong"`    // citations whose excerpt is longer than allowed
	CitedPages []string `json:"citedPages"` // paths, in the order of the citations, each once
	Pages      int      `json:"pages"`      // pages that the task opened
	ToolCalls  int      `json:"toolCalls"`  // number of tool calls of the task
	ModelCalls int      `json:"modelCalls"` // number of model calls of the task

	InputTokens    int64      `json:"inputTokens"`
	OutputTokens   int64      `json:"outputTokens"`
	Cost           float64    `json:"cost,omitempty"`
	Sentences      int        `json:"sentences"`          // sentences of the answer that state something
	CitedSentences int        `json:"citedSentences"`     // how many of these sentences have a citation
	Screenshots    int        `json:"screenshots"`        // citations with a picture
	PassageShown   int        `json:"passageShown"`       // citations whose picture shows their passage
	Pictures       []Pictured `json:"pictures,omitempty"` // each citation that has a picture
	AnsweredBy     string     `json:"answeredBy,omitempty"`

	Seconds float64 `json:"seconds"`           // from submission to the end of the task, as the client saw it
	Error   string  `json:"error,omitempty"`   // why there is no answer
	Answer  string  `json:"answer,omitempty"`  // the task's answer
	Partial bool    `json:"partial,omitempty"` // whether the research ended early because a budget was used up
}

// Pictured is a citation with a picture.
type Pictured struct {
	Citation int    `json:"citation"` // position among the citations of the task, from 1
	Page     string `json:"page"`     // path of the cited page
	Picture  string `json:"picture"`  // address of the picture
	Shown    bool   `json:"shown"`    // whether the picture shows the cited passage, as the server measured on the page
}

// judge compares a finished task with what its question expects. It depends only on its arguments.
func judge(q Question, t Task, seconds float64) Verdict {
	v := Verdict{ID: q.ID, Question: q.Text, TaskID: t.TaskID, Status: t.Status, Citations: len(t.Citations),
		CitedPages: []string{}, Pages: t.Usage.Pages, ToolCalls: t.Usage.ToolCalls, Seconds: seconds,
		Error: t.Error, Answer: t.Answer, Partial: t.Metadata["partial"] == true,
		ModelCalls: t.Usage.ModelCalls, InputTokens: t.Usage.InputTokens, OutputTokens: t.Usage.OutputTokens, Cost: t.Usage.Cost}
	v.Sentences, v.CitedSentences = countSentences(t.Answer)
	if provider, ok := t.Metadata["provider"].(string); ok {
		model, _ := t.Metadata["model"].(string)
		v.AnsweredBy = strings.TrimSpace(provider + " " + model)
	}
	right := map[string]bool{}
	for _, p := range q.Pages {
		right[path.Clean("/"+p)] = true
	}
	seen := map[string]bool{}
	for i, c := range t.Citations {
		where := citedPath(c.URL)
		if !seen[where] {
			seen[where] = true
			v.CitedPages = append(v.CitedPages, where)
		}
		if c.Verified {
			v.Verified++
		}
		if c.Shot != "" {
			v.Screenshots++
			v.PassageShown += count(c.ShotShows)
			v.Pictures = append(v.Pictures, Pictured{Citation: i + 1, Page: where, Picture: c.Shot, Shown: c.ShotShows})
		}
		short := utf8.RuneCountInString(c.Excerpt) <= maxExcerpt
		if !short {
			v.TooLong++
		}
		if right[where] {
			v.RightPage = true
			v.Found = v.Found || short && containsAny(c.Excerpt, q.Accept)
		}
	}
	v.InAnswer = containsAny(t.Answer, q.Accept)
	return v
}

// citedPath is the cleaned path of a URL, without query and fragment. A URL that cannot be parsed is returned
// unchanged.
func citedPath(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return raw
	}
	return path.Clean("/" + u.Path)
}

func containsAny(text string, accept []string) bool {
	text = normalise(text)
	for _, a := range accept {
		if strings.Contains(text, normalise(a)) {
			return true
		}
	}
	return false
}

var (
	markdownLink   = regexp.MustCompile(`!?\[((?:[^\[\]\\]|\\.)*)\]\((?:[^()\s]|\([^()\s]*\))*(?:\s+"[^"]*")?\)`)
	markdownEscape = regexp.MustCompile(`\\([!-/:-@\[-` + "`" + `{-~])`)
	typography     = strings.NewReplacer("’", "'", "‘", "'", "“", `"`, "”", `"`, "–", "-", "—", "-", "‑", "-", "−", "-",
		"…", "...", "\u200b", "", "\u00ad", "")
)

// normalise converts a text to the form in which texts are compared: single spaces, lower case, plain quotation marks
// and dashes, and no Markdown around words (links, code marks, emphasis, escapes, table bars). So accepted texts can
// be written as people see them on the page.
func normalise(s string) string {
	s = markdownLink.ReplaceAllString(s, "$1")
	s = markdownEscape.ReplaceAllString(s, "$1")
	s = strings.Map(func(r rune) rune {
		switch r {
		case '`', '*':
			return -1
		case '|':
			return ' '
		}
		return r
	}, s)
	return strings.Join(strings.Fields(strings.ToLower(typography.Replace(s))), " ")
}
