package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"legwork/bench/measure"
)

// table writes the comparison as a Markdown table that is aligned for terminals, then the figures that miss the target.
func (v versions) table(w io.Writer) {
	fmt.Fprintf(w, "%s\n%s\n%s, %d pairs of runs\nbefore: %s\nnow: %s\nmedians (lowest–highest); ratio of the medians with its 95 %% bounds: more than 1 is better\n\n",
		v.Machine, v.Database, v.Began.UTC().Format(time.RFC3339), v.Pairs, v.Before, v.Now)
	tw := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
	fmt.Fprintf(tw, "| part\t| figure\t| unit\t| before\t| now\t| ratio\t| verdict\t| ratio ≥ %g\t|\n", atLeast)
	fmt.Fprintln(tw, "|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|")
	var missed []string
	for _, f := range v.Figures {
		direction, ratio, target := "less is better", "", ""
		if f.HigherIsBetter {
			direction = "more is better"
		}
		if f.Ratio != nil {
			ratio = fmt.Sprintf("%.2f (%.2f–%.2f)", f.Ratio.Median, f.Ratio.Low, f.Ratio.High)
		}
		if f.Holds != nil && *f.Holds {
			target = "holds"
		} else if f.Holds != nil {
			target = "MISSED"
			missed = append(missed, fmt.Sprintf("%s: %s (%s), ratio %s", f.Part, f.Name, f.Unit, ratio))
		}
		fmt.Fprintf(tw, "| %s\t| %s\t| %s, %s\t| %s\t| %s\t| %s\t| %s\t| %s\t|\n",
			f.Part, f.Name, f.Unit, direction, measure.Spread(f.Before), measure.Spread(f.Now), ratio, f.Verdict, target)
	}
	_ = tw.Flush()
	fmt.Fprintf(w, "\n%d of %d figures are below %g of the version before.\n", len(missed), len(v.Figures), atLeast)
	for _, line := range append(missed, v.OnlyOne...) {
		fmt.Fprintln(w, "- "+line)
	}
}

// save writes against.json into dir, and the table into the file markdown. If a name is empty, nothing is written there.
func (v versions) save(dir, markdown string) error {
	var table strings.Builder
	v.table(&table)
	return measure.Save(v, table.String(), dir, "against.json", markdown)
}
