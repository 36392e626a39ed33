package modelcalls

import (
	"encoding/json"

	"legwork/internal/agent/planning"
	"legwork/internal/agent/report"
	"legwork/internal/research"
)

// Purposes of model calls, as written in the journal. Packages report and planning have further ones.
const (
	ForResearch = "research"
	ForAnswer   = "answer"
	ForSupport  = "support"
	ForRewrite  = "rewrite"
)

// Purpose is stored in the journal as the arguments of a model call.
type Purpose struct {
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
func (p Purpose) same(other Purpose) bool {
	return p.Purpose == other.Purpose && p.Number == other.Number
}

// PurposeOf returns the purpose of a journaled model call.
func PurposeOf(s research.Step) Purpose {
	var p Purpose
	_ = json.Unmarshal(s.Args, &p)
	return p
}

// BeforeSummary is the number of the calls that judge and rewrite the sections of a report before its summary is written.
// They leave time and tokens for the summary. All other calls of that kind have the number 0.
const BeforeSummary = 1

// partTexts are what the log says about the parts of a report, and about data.
var partTexts = map[string]string{
	planning.ForPlan: "The model made a plan.", planning.ForGaps: "The model looked for gaps and contradictions in what was found.",
	report.ForOutline: "The report is planned.",
	report.ForSummary: "The summary of the report is written.",
	report.ForData:    "The answer is written as data.",
}
