package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"text/tabwriter"
)

// readEvaluation reads a file that --json wrote.
func readEvaluation(name string) (Evaluation, error) {
	var e Evaluation
	raw, err := os.ReadFile(name)
	if err != nil {
		return e, err
	}
	if err := json.Unmarshal(raw, &e); err != nil {
		return e, fmt.Errorf("%s: %w", name, err)
	}
	if len(e.Corpora) == 0 {
		return e, fmt.Errorf("%s is not a report of an evaluation", name)
	}
	return e, nil
}

// writeComparison prints the differences between two evaluations: the numbers of each corpus, and the questions whose
// answer was found in only one of the two. Corpora with the same name of their question file are compared.
func writeComparison(w io.Writer, old, now Evaluation) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tw, "\ncompared\tbefore\tnow\tdifference\n%s → %s\t\t\t\n", old.Answered, now.Answered)
	for _, r := range now.Corpora {
		i := slices.IndexFunc(old.Corpora, func(o Report) bool { return path.Base(o.Questions) == path.Base(r.Questions) })
		if i < 0 {
			fmt.Fprintf(tw, "%s\t-\tnew\t\n", r.Questions)
			continue
		}
		before := old.Corpora[i]
		fmt.Fprintf(tw, "%s\t\t\t\n", r.Questions)
		rows := before.Summary.rows()
		for j, row := range r.Summary.rows() {
			fmt.Fprintf(tw, "  %s\t%s\t%s\t%s\n", row.name, rows[j].text(), row.text(), row.minus(rows[j]))
		}
		found := map[string]bool{}
		for _, v := range before.Verdicts {
			found[v.ID] = v.Found
		}
		var won, lost []string
		for _, v := range r.Verdicts {
			was, asked := found[v.ID]
			switch {
			case asked && v.Found && !was:
				won = append(won, v.ID)
			case asked && !v.Found && was:
				lost = append(lost, v.ID)
			}
		}
		fmt.Fprintf(tw, "  found now\t\t%d\t%s\n  found before\t\t%d\t%s\n", len(won), strings.Join(won, " "), len(lost), strings.Join(lost, " "))
	}
	return tw.Flush()
}
