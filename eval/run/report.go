package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// Summary has the results of a set of questions as numbers. Shares are from 0 to 1, and 0 if there is nothing to
// divide by. Means are per question.
type Summary struct {
	Questions     int     `json:"questions"`
	Found         float64 `json:"found"`          // share of questions whose page and text were cited
	RightPage     float64 `json:"rightPage"`      // share of questions that cite a right page
	InAnswer      float64 `json:"inAnswer"`       // share of answers that contain an accepted text
	Completed     float64 `json:"completed"`      // share of tasks that completed
	Verified      float64 `json:"verified"`       // share of citations that the server verified
	Screenshots   float64 `json:"screenshots"`    // share of citations with a picture
	PassageShown  float64 `json:"passageShown"`   // share of the pictures that show the cited passage
	Cited         float64 `json:"citedSentences"` // share of sentences with a citation
	TooLong       int     `json:"tooLong"`        // number of citations that are longer than allowed
	Citations     float64 `json:"citations"`      // mean number of citations
	Pages         float64 `json:"pages"`          // mean number of pages opened
	Steps         float64 `json:"steps"`          // mean number of calls of tools and models
	InputTokens   float64 `json:"inputTokens"`    // mean number of input tokens
	OutputTokens  float64 `json:"outputTokens"`   // mean number of output tokens
	Cost          float64 `json:"cost"`           // sum over all questions, in the currency of MODEL_PRICES; 0 without prices
	MedianSeconds float64 `json:"medianSeconds"`
	P90Seconds    float64 `json:"p90Seconds"` // nine of ten questions took at most this long
	MaxSeconds    float64 `json:"maxSeconds"`
}

// Report has the results of one corpus.
type Report struct {
	Questions string    `json:"questionFile"`
	Least     float64   `json:"least"` // share of questions that must be found
	Summary   Summary   `json:"summary"`
	Verdicts  []Verdict `json:"verdicts"` // in the order of the question file
}

// Evaluation is the content of the file that --json writes.
type Evaluation struct {
	Answered string   `json:"answeredBy"` // provider and model of the tasks
	Corpora  []Report `json:"corpora"`
	Total    Summary  `json:"total"`
}

// total computes the summary of all corpora together.
func (e *Evaluation) total() {
	var all []Verdict
	for _, r := range e.Corpora {
		all = append(all, r.Verdicts...)
	}
	e.Total = summarise(all)
	var by []string
	for _, v := range all {
		if v.AnsweredBy != "" && !slices.Contains(by, v.AnsweredBy) {
			by = append(by, v.AnsweredBy)
		}
	}
	e.Answered = cmp.Or(strings.Join(by, ", "), "nobody")
}

func summarise(verdicts []Verdict) Summary {
	s := Summary{Questions: len(verdicts)}
	if s.Questions == 0 {
		return s
	}
	n := float64(s.Questions)
	var found, page, answer, completed, citations, verified, shots, shown, sentences, cited int
	seconds := make([]float64, 0, len(verdicts))
	for _, v := range verdicts {
		found += count(v.Found)
		page += count(v.RightPage)
		answer += count(v.InAnswer)
		completed += count(v.Status == "completed")
		citations, verified, shots = citations+v.Citations, verified+v.Verified, shots+v.Screenshots
		shown += v.PassageShown
		sentences, cited = sentences+v.Sentences, cited+v.CitedSentences
		s.TooLong += v.TooLong
		s.Pages += float64(v.Pages) / n
		s.Steps += float64(v.ToolCalls+v.ModelCalls) / n
		s.InputTokens += float64(v.InputTokens) / n
		s.OutputTokens += float64(v.OutputTokens) / n
		s.Cost += v.Cost
		seconds = append(seconds, v.Seconds)
	}
	slices.Sort(seconds)
	s.Found, s.RightPage = float64(found)/n, float64(page)/n
	s.InAnswer, s.Completed = float64(answer)/n, float64(completed)/n
	s.Citations = float64(citations) / n
	s.Verified, s.Screenshots = share(verified, citations), share(shots, citations)
	s.PassageShown = share(shown, shots)
	s.Cited = share(cited, sentences)
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

// row is one number of a summary, with its print format.
type row struct {
	name   string
	value  float64
	format string
}

func (r row) text() string { return fmt.Sprintf(r.format, r.value) }

// minus returns the difference from an earlier value, with a sign. It returns "" if both values are printed the same.
func (r row) minus(before row) string {
	if r.text() == before.text() {
		return ""
	}
	return fmt.Sprintf(strings.Replace(r.format, "%", "%+", 1), r.value-before.value)
}

func (s Summary) rows() []row {
	return []row{
		{"page and text cited", 100 * s.Found, "%.1f %%"},
		{"right page cited", 100 * s.RightPage, "%.1f %%"},
		{"text in the answer", 100 * s.InAnswer, "%.1f %%"},
		{"tasks completed", 100 * s.Completed, "%.1f %%"},
		{"citations verified", 100 * s.Verified, "%.1f %%"},
		{"sentences cited", 100 * s.Cited, "%.1f %%"},
		{"with a screenshot", 100 * s.Screenshots, "%.1f %%"},
		{"of these, passage shown", 100 * s.PassageShown, "%.1f %%"},
		{"citations", s.Citations, "%.1f"},
		{"too long", float64(s.TooLong), "%.0f"},
		{"pages opened", s.Pages, "%.1f"},
		{"steps", s.Steps, "%.1f"},
		{"tokens in", s.InputTokens, "%.0f"},
		{"tokens out", s.OutputTokens, "%.0f"},
		{"cost of all", s.Cost, "%.4f"},
		{"seconds, median", s.MedianSeconds, "%.1f"},
		{"seconds, p90", s.P90Seconds, "%.1f"},
		{"seconds, most", s.MaxSeconds, "%.1f"},
	}
}

// writeTable prints a line for each question of a corpus, and a line for each citation whose picture does not show
// its passage. The column "shown" has the number of pictures that show their passage, and the number of all pictures.
func writeTable(w io.Writer, r Report) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "question\tfound\tpage\tanswer\tverified\tshown\topened\tseconds\tcited, or why not")
	for _, v := range r.Verdicts {
		note := strings.Join(v.CitedPages, " ")
		if v.Error != "" {
			note = v.Status + ": " + v.Error
		} else if len(v.CitedPages) == 0 {
			note = cmp.Or(v.Status, "no status") + ", no citation"
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%d/%d\t%d/%d\t%d\t%.1f\t%s\n", v.ID, mark(v.Found), mark(v.RightPage), mark(v.InAnswer),
			v.Verified, v.Citations, v.PassageShown, v.Screenshots, v.Pages, v.Seconds, note)
	}
	for _, v := range r.Verdicts {
		for _, p := range v.Pictures {
			if !p.Shown {
				fmt.Fprintf(tw, "%s, citation %d: its picture does not show its passage. Page %s, picture %s\n", v.ID, p.Citation, p.Page, p.Picture)
			}
		}
	}
	fmt.Fprintln(tw)
	return tw.Flush()
}

// writeSummary prints a column for each corpus. If there are several, it adds a column for all corpora together.
func writeSummary(w io.Writer, e Evaluation) error {
	heads, columns := []string{}, []Summary{}
	for _, r := range e.Corpora {
		heads, columns = append(heads, r.Questions), append(columns, r.Summary)
	}
	if len(columns) > 1 {
		heads, columns = append(heads, "total"), append(columns, e.Total)
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tw, "answered by %s\t%s\nquestions", e.Answered, strings.Join(heads, "\t"))
	for _, s := range columns {
		fmt.Fprintf(tw, "\t%d", s.Questions)
	}
	fmt.Fprintln(tw)
	for i, r := range e.Total.rows() {
		fmt.Fprint(tw, r.name)
		for _, s := range columns {
			fmt.Fprint(tw, "\t", s.rows()[i].text())
		}
		fmt.Fprintln(tw)
	}
	return tw.Flush()
}

func mark(b bool) string {
	if b {
		return "yes"
	}
	return "-"
}

func writeJSON(w io.Writer, e Evaluation) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(e)
}
