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

// Summary is a whole run in numbers. Shares are 0..1; a share of nothing is 0.
type Summary struct {
	Questions     int     `json:"questions"`
	Found         float64 `json:"found"`     // share of questions whose page and text were cited
	RightPage     float64 `json:"rightPage"` // share of questions that cite a right page
	InAnswer      float64 `json:"inAnswer"`  // share of answers that hold an accepted text
	Completed     float64 `json:"completed"` // share of tasks that completed
	Verified      float64 `json:"verified"`  // share of citations that the server verified
	TooLong       int     `json:"tooLong"`   // citations longer than allowed
	Citations     float64 `json:"citations"` // mean per question
	Pages         float64 `json:"pages"`     // mean opened per question
	MedianSeconds float64 `json:"medianSeconds"`
	MaxSeconds    float64 `json:"maxSeconds"`
}

// Report is what --json writes.
type Report struct {
	Questions string    `json:"questionFile"`
	Summary   Summary   `json:"summary"`
	Verdicts  []Verdict `json:"verdicts"` // in the order of the question file
}

func summarise(verdicts []Verdict) Summary {
	s := Summary{Questions: len(verdicts)}
	if s.Questions == 0 {
		return s
	}
	n := float64(s.Questions)
	var found, page, answer, completed, citations, verified, pages int
	seconds := make([]float64, 0, len(verdicts))
	for _, v := range verdicts {
		found += count(v.Found)
		page += count(v.RightPage)
		answer += count(v.InAnswer)
		completed += count(v.Status == "completed")
		citations += v.Citations
		verified += v.Verified
		s.TooLong += v.TooLong
		pages += v.Pages
		seconds = append(seconds, v.Seconds)
	}
	slices.Sort(seconds)
	s.Found, s.RightPage = float64(found)/n, float64(page)/n
	s.InAnswer, s.Completed = float64(answer)/n, float64(completed)/n
	s.Citations, s.Pages = float64(citations)/n, float64(pages)/n
	if citations > 0 {
		s.Verified = float64(verified) / float64(citations)
	}
	s.MedianSeconds = (seconds[(len(seconds)-1)/2] + seconds[len(seconds)/2]) / 2
	s.MaxSeconds = seconds[len(seconds)-1]
	return s
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

// writeTable prints a line per question and the summary.
func writeTable(w io.Writer, r Report) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "question\tfound\tpage\tanswer\tverified\topened\tseconds\tcited, or why not")
	for _, v := range r.Verdicts {
		note := strings.Join(v.CitedPages, " ")
		if v.Error != "" {
			note = v.Status + ": " + v.Error
		} else if len(v.CitedPages) == 0 {
			note = cmp.Or(v.Status, "no status") + ", no citation"
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%d/%d\t%d\t%.1f\t%s\n", v.ID, mark(v.Found), mark(v.RightPage), mark(v.InAnswer),
			v.Verified, v.Citations, v.Pages, v.Seconds, note)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	s := r.Summary
	_, err := fmt.Fprintf(w, `
%d questions of %s
  page and text cited  %5.1f %%
  right page cited     %5.1f %%
  text in the answer   %5.1f %%
  tasks completed      %5.1f %%
  citations verified   %5.1f %%, %.1f per question, %d too long
  pages opened         %5.1f per question
  seconds              %5.1f median, %.1f at most
`, s.Questions, r.Questions, 100*s.Found, 100*s.RightPage, 100*s.InAnswer, 100*s.Completed, 100*s.Verified, s.Citations,
		s.TooLong, s.Pages, s.MedianSeconds, s.MaxSeconds)
	return err
}

func mark(b bool) string {
	if b {
		return "yes"
	}
	return "-"
}

func writeJSON(w io.Writer, r Report) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}
