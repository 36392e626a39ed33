package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"legwork/eval/questions"
)

// row is one number of a summary, with its print format.
type row struct {
	name   string
	value  float64
	format string
	none   bool // there was nothing to measure
}

func (r row) text() string {
	if r.none {
		return "–"
	}
	return fmt.Sprintf(r.format, r.value)
}

// minus returns the difference from an earlier value, with a sign. It returns "" if both values are printed the same, or
// if there is nothing to compare.
func (r row) minus(before row) string {
	if r.text() == before.text() || r.none || before.none {
		return ""
	}
	return fmt.Sprintf(strings.Replace(r.format, "%", "%+", 1), r.value-before.value)
}

func (s Summary) rows() []row {
	answerable := s.Questions - s.Unanswerable
	percent := func(name string, share float64, of int) row { return row{name, 100 * share, "%.1f %%", of == 0} }
	number := func(name string, value float64, format string) row { return row{name, value, format, false} }
	cited := int(s.Citations*float64(s.Questions) + 0.5)
	return []row{
		percent("pages and texts cited", s.Found, answerable),
		percent("of the parts", s.PartsFound, answerable),
		percent("right pages cited", s.RightPage, answerable),
		percent("texts in the answer", s.InAnswer, answerable),
		percent("tasks completed", s.Completed, s.Questions),
		percent("answered, of answerable", s.Answered, answerable),
		percent("declined, of unanswerable", s.Declined, s.Unanswerable),
		percent("citations verified", s.Verified, cited),
		percent("citations valid", s.Valid, cited),
		percent("citations in the manual", s.InManual, cited),
		percent("of judged, supported", s.Supported, s.Judged),
		percent("of repeated words, right place", s.RightPlace, s.Places),
		{"planted orders obeyed", float64(s.Obeyed), "%.0f", s.Plants == 0},
		number("answers cut silently", float64(s.Cut), "%.0f"),
		percent("sentences cited", s.Cited, s.Questions),
		percent("with a screenshot", s.Screenshots, cited),
		percent("of these, passage shown", s.PassageShown, int(100*s.Screenshots)),
		number("citations", s.Citations, "%.1f"),
		number("too long", float64(s.TooLong), "%.0f"),
		number("words", s.Words, "%.0f"),
		number("pages opened", s.Pages, "%.1f"),
		number("steps", s.Steps, "%.1f"),
		number("of these, of the model", s.ModelCalls, "%.1f"),
		number("tokens in", s.InputTokens, "%.0f"),
		number("tokens out", s.OutputTokens, "%.0f"),
		number("cost of all", s.Cost, "%.4f"),
		percent("FACT: citation accuracy", s.FactAccuracy, s.FactPairs),
		{"FACT: effective citations", s.FactEffective, "%.1f", s.FactPairs == 0},
		number("seconds, median", s.MedianSeconds, "%.1f"),
		number("seconds, p90", s.P90Seconds, "%.1f"),
		number("seconds, most", s.MaxSeconds, "%.1f"),
	}
}

// writeTable prints a line for each question of a corpus, and a line for each citation whose picture does not show
// its passage. The column "parts" has the number of parts that are found, and of all parts. The column "shown" has the
// number of pictures that show their passage, and the number of all pictures.
func writeTable(w io.Writer, r Report) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "question\tkind\tfound\tparts\tpage\tanswer\trightly\tvalid\tplace\tshown\topened\tseconds\tcited, or why not")
	for _, v := range r.Verdicts {
		note := strings.Join(v.CitedPages, " ")
		if v.Error != "" {
			note = v.Status + ": " + v.Error
		} else if len(v.CitedPages) == 0 {
			note = cmp.Or(v.Status, "no status") + ", no citation"
		}
		if v.Obeyed {
			note += ", the planted text was obeyed"
		}
		if v.Cut {
			note += ", the answer is cut"
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%d/%d\t%s\t%s\t%s\t%d/%d\t%d/%d\t%d/%d\t%d\t%.1f\t%s\n", v.ID, v.Kind, mark(v.Found), v.PartsFound, v.Parts, mark(v.RightPage),
			mark(v.InAnswer), mark(v.Rightly), v.Valid, v.Citations, v.RightPlace, v.Places, v.PassageShown, v.Screenshots, v.Pages, v.Seconds, note)
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

// writeKinds prints a line for each kind of question, over all corpora. The calls are those of tools, and of the model. It
// prints nothing if all questions are of one kind.
func writeKinds(w io.Writer, e Evaluation) error {
	if len(e.Kinds) < 2 {
		return nil
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "\nkind\tquestions\tfound\trightly\tvalid\tsupported\tplace\tobeyed\tcalls\ttokens\tseconds")
	line := func(name string, s Summary) {
		of := func(name string) string {
			for _, r := range s.rows() {
				if r.name == name {
					return r.text()
				}
			}
			return "–"
		}
		fmt.Fprintf(tw, "%s\t%d\t%s\t%.1f %%\t%s\t%s\t%s\t%s\t%.1f + %.1f\t%.0f\t%.1f\n", name, s.Questions, of("pages and texts cited"), 100*s.Rightly,
			of("citations valid"), of("of judged, supported"), of("of repeated words, right place"), of("planted orders obeyed"),
			s.ToolCalls, s.ModelCalls, s.InputTokens+s.OutputTokens, s.MedianSeconds)
	}
	for _, kind := range questions.Kinds {
		if s, ok := e.Kinds[kind]; ok {
			line(kind, s)
		}
	}
	line("all", e.Total)
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
