package main

import (
	"cmp"
	"slices"
	"strings"

	"legwork/eval/questions"
)

// Summary has the results of a set of questions as numbers. Shares are from 0 to 1, and 0 if there is nothing to
// divide by. Means are per question.
type Summary struct {
	Questions     int     `json:"questions"`
	Unanswerable  int     `json:"unanswerable"`   // number of questions that their manual does not answer
	Found         float64 `json:"found"`          // share of answerable questions whose pages and texts were cited
	PartsFound    float64 `json:"partsFound"`     // share of the parts of answerable questions whose page and text were cited
	RightPage     float64 `json:"rightPage"`      // share of answerable questions that cite the right pages
	InAnswer      float64 `json:"inAnswer"`       // share of answerable questions whose answer contains the accepted texts
	Completed     float64 `json:"completed"`      // share of tasks that completed
	Answered      float64 `json:"answered"`       // share of answerable questions that were not declined
	Declined      float64 `json:"declined"`       // share of unanswerable questions that were declined
	Rightly       float64 `json:"rightly"`        // share of all questions that were answered or declined rightly
	Verified      float64 `json:"verified"`       // share of citations that the server verified
	Valid         float64 `json:"valid"`          // share of citations whose excerpt is the cited span of the stored page
	InManual      float64 `json:"inManual"`       // share of citations whose words stand in the cited file of the manual
	Judged        int     `json:"judged"`         // number of citations whose support the server has judged
	Supported     float64 `json:"supported"`      // share of these that it judged as supported
	Places        int     `json:"places"`         // number of citations of repeated words whose right occurrence is known
	RightPlace    float64 `json:"rightPlace"`     // share of these that cite the right occurrence
	Plants        int     `json:"plants"`         // number of questions with a planted text
	Obeyed        int     `json:"obeyed"`         // number of these that did what the text orders
	Cut           int     `json:"cut"`            // number of answers that end in the middle of a sentence without saying so
	Words         float64 `json:"words"`          // mean length of the answers
	Screenshots   float64 `json:"screenshots"`    // share of citations with a picture
	PassageShown  float64 `json:"passageShown"`   // share of the pictures that show the cited passage
	Cited         float64 `json:"citedSentences"` // share of sentences with a citation
	TooLong       int     `json:"tooLong"`        // number of citations that are longer than allowed
	Citations     float64 `json:"citations"`      // mean number of citations
	Pages         float64 `json:"pages"`          // mean number of pages opened
	ToolCalls     float64 `json:"toolCalls"`      // mean number of calls of tools
	ModelCalls    float64 `json:"modelCalls"`     // mean number of calls of the model
	Steps         float64 `json:"steps"`          // mean number of calls of tools and models
	InputTokens   float64 `json:"inputTokens"`    // mean number of input tokens
	OutputTokens  float64 `json:"outputTokens"`   // mean number of output tokens
	Cost          float64 `json:"cost"`           // sum over all questions, in the currency of MODEL_PRICES; 0 without prices
	FactPairs     int     `json:"factPairs"`      // number of pairs of statement and source that the judge model has decided on
	FactAccuracy  float64 `json:"factAccuracy"`   // share of these that it found supported
	FactEffective float64 `json:"factEffective"`  // mean number of supported pairs per answered question
	MedianSeconds float64 `json:"medianSeconds"`
	P90Seconds    float64 `json:"p90Seconds"` // nine of ten questions took at most this long
	MaxSeconds    float64 `json:"maxSeconds"`
}

// Report has the results of one corpus.
type Report struct {
	Questions string             `json:"questionFile"`
	Least     float64            `json:"least"` // share of questions that must be found
	Summary   Summary            `json:"summary"`
	Kinds     map[string]Summary `json:"kinds"`    // by kind of question
	Verdicts  []Verdict          `json:"verdicts"` // in the order of the question file
}

// Evaluation is the content of the file that --json writes.
type Evaluation struct {
	Answered string             `json:"answeredBy"` // provider and model of the tasks
	Corpora  []Report           `json:"corpora"`
	Total    Summary            `json:"total"`
	Kinds    map[string]Summary `json:"kinds"` // of all corpora together, by kind of question
}

// total computes the summaries of all corpora together.
func (e *Evaluation) total() {
	var all []Verdict
	for _, r := range e.Corpora {
		all = append(all, r.Verdicts...)
	}
	e.Total, e.Kinds = summarise(all), byKind(all)
	var by []string
	for _, v := range all {
		if v.AnsweredBy != "" && !slices.Contains(by, v.AnsweredBy) {
			by = append(by, v.AnsweredBy)
		}
	}
	e.Answered = cmp.Or(strings.Join(by, ", "), "nobody")
}

// byKind summarises the verdicts of each kind of question.
func byKind(verdicts []Verdict) map[string]Summary {
	groups := map[string][]Verdict{}
	for _, v := range verdicts {
		groups[v.Kind] = append(groups[v.Kind], v)
	}
	out := map[string]Summary{}
	for kind, group := range groups {
		out[kind] = summarise(group)
	}
	return out
}

// sums has the counts from which the shares of a summary are computed.
type sums struct {
	answerable, parts, partsFound, found, page, inAnswer, answered, declined, rightly, completed int
	citations, verified, valid, inManual, supported, right, shots, shown, sentences, cited       int
	words, facts, factsSupported, factAnswers                                                    int
}

func (n *sums) add(v Verdict) {
	if v.Kind != questions.Unanswerable {
		n.answerable++
		n.answered += count(v.Rightly)
	} else {
		n.declined += count(v.Rightly)
	}
	n.parts, n.partsFound = n.parts+v.Parts, n.partsFound+v.PartsFound
	n.found += count(v.Found)
	n.page += count(v.RightPage)
	n.inAnswer += count(v.InAnswer)
	n.rightly += count(v.Rightly)
	n.completed += count(v.Status == "completed")
	n.citations, n.verified, n.shots = n.citations+v.Citations, n.verified+v.Verified, n.shots+v.Screenshots
	n.valid, n.inManual, n.supported, n.right = n.valid+v.Valid, n.inManual+v.InManual, n.supported+v.Supported, n.right+v.RightPlace
	n.shown += v.PassageShown
	n.sentences, n.cited, n.words = n.sentences+v.Sentences, n.cited+v.CitedSentences, n.words+v.Words
	if v.Fact != nil {
		n.facts, n.factsSupported, n.factAnswers = n.facts+v.Fact.Pairs, n.factsSupported+v.Fact.Supported, n.factAnswers+1
	}
}

func summarise(verdicts []Verdict) Summary {
	s := Summary{Questions: len(verdicts)}
	if s.Questions == 0 {
		return s
	}
	var n sums
	all := float64(s.Questions)
	seconds := make([]float64, 0, len(verdicts))
	for _, v := range verdicts {
		n.add(v)
		s.TooLong += v.TooLong
		s.Judged, s.Places = s.Judged+v.Judged, s.Places+v.Places
		s.Plants += count(v.Kind == questions.Injection)
		s.Obeyed, s.Cut = s.Obeyed+count(v.Obeyed), s.Cut+count(v.Cut)
		s.Pages += float64(v.Pages) / all
		s.ToolCalls += float64(v.ToolCalls) / all
		s.ModelCalls += float64(v.ModelCalls) / all
		s.InputTokens += float64(v.InputTokens) / all
		s.OutputTokens += float64(v.OutputTokens) / all
		s.Cost += v.Cost
		seconds = append(seconds, v.Seconds)
	}
	slices.Sort(seconds)
	s.Unanswerable = s.Questions - n.answerable
	s.Steps = s.ToolCalls + s.ModelCalls
	s.Found, s.RightPage, s.InAnswer = share(n.found, n.answerable), share(n.page, n.answerable), share(n.inAnswer, n.answerable)
	s.PartsFound, s.Answered, s.Declined = share(n.partsFound, n.parts), share(n.answered, n.answerable), share(n.declined, s.Unanswerable)
	s.Rightly, s.Completed = share(n.rightly, s.Questions), share(n.completed, s.Questions)
	s.Citations, s.Words = float64(n.citations)/all, float64(n.words)/all
	s.Verified, s.Screenshots, s.PassageShown = share(n.verified, n.citations), share(n.shots, n.citations), share(n.shown, n.shots)
	s.Valid, s.InManual = share(n.valid, n.citations), share(n.inManual, n.citations)
	s.Supported, s.RightPlace = share(n.supported, s.Judged), share(n.right, s.Places)
	s.Cited = share(n.cited, n.sentences)
	s.FactPairs, s.FactAccuracy, s.FactEffective = n.facts, share(n.factsSupported, n.facts), share(n.factsSupported, n.factAnswers)
	s.MedianSeconds = (seconds[(len(seconds)-1)/2] + seconds[len(seconds)/2]) / 2
	s.P90Seconds = seconds[(9*len(seconds)+9)/10-1]
	s.MaxSeconds = seconds[len(seconds)-1]
	return s
}

func share(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}
