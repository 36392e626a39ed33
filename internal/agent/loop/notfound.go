package loop

import (
	"cmp"
	"strings"

	"legwork/internal/agent"
	"legwork/internal/agent/answertext"
	"legwork/internal/research"
)

// notFoundResult returns the result for a model that says that the pages do not answer the question. The answer cites
// nothing, and lists the queries and the pages read.
func (a *run) notFoundResult() research.Result {
	text := "The pages that were read do not answer the question."
	if reason := strings.TrimSpace(answertext.Check(answertext.Clean(answertext.WithoutThinking(a.ending.Reason), 0, answertext.Cited()), 0).Text); reason != "" {
		text += " The model's reason: " + reason
	}
	text += "\n\n" + agent.SearchedAndRead(a.queries, a.Pages)
	a.endedBy = cmp.Or(a.endedBy, "the model did not find an answer")
	return research.Result{Answer: strings.TrimSpace(text), NotFound: true, Confidence: agent.NoConfidence, Metadata: a.metadata(answertext.Checked{}, true)}
}

// noteQuery adds a query to the list of queries, unless the list has it already.
func (a *run) noteQuery(query string) {
	for _, q := range a.queries {
		if strings.EqualFold(q, query) {
			return
		}
	}
	a.queries = append(a.queries, query)
}
