package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// figure is one measured quantity, with a value per round.
type figure struct {
	Part   string    `json:"part"`
	Name   string    `json:"name"`
	Unit   string    `json:"unit"`
	Values []float64 `json:"values"`
	// The reference that was measured in turn with it, one value per round; empty for figures that stand alone.
	Reference  string    `json:"reference,omitempty"`
	References []float64 `json:"references,omitempty"`
	Ratio      *ratio    `json:"ratio,omitempty"` // of figure to reference; nil when a reference is 0
	// Target is what the figure or its ratio should be; empty when it only informs.
	Target *target `json:"target,omitempty"`
	Holds  *bool   `json:"holds,omitempty"` // nil also when there is no ratio to bound
}

// target bounds a figure's median, the median of its ratio, or the cautious bound of its ratio.
type target struct {
	Of      string  `json:"of"` // value, ratio, or bound: the ratio's one-sided 95 % bound on the wrong side
	AtLeast float64 `json:"atLeast,omitempty"`
	AtMost  float64 `json:"atMost,omitempty"`
}

func (t target) String() string {
	if t.AtLeast > 0 {
		return fmt.Sprintf("%s ≥ %g", t.Of, t.AtLeast)
	}
	return fmt.Sprintf("%s ≤ %g", t.Of, t.AtMost)
}

func (t target) holds(f figure) bool {
	v := median(f.Values)
	switch {
	case t.Of == "ratio":
		v = f.Ratio.Median
	case t.Of == "bound" && t.AtLeast > 0:
		v = f.Ratio.Low
	case t.Of == "bound":
		v = f.Ratio.High
	}
	if t.AtLeast > 0 {
		return v >= t.AtLeast
	}
	return v <= t.AtMost
}

func (f figure) verdict() string {
	switch {
	case f.Holds == nil:
		return ": no ratio"
	case *f.Holds:
		return ": holds"
	}
	return ": MISSED"
}

// report is everything that one run found out.
type report struct {
	Began    time.Time `json:"began"`
	Machine  string    `json:"machine"`
	Database string    `json:"database"`
	Pairs    int       `json:"pairs"`
	Seconds  float64   `json:"secondsPerMeasurement"`
	Figures  []figure  `json:"figures"`
}

// add completes a figure and keeps it.
func (r *report) add(f figure) {
	if len(f.References) > 0 && !slices.Contains(f.References, 0) { // nothing is a multiple of nothing, and JSON has no NaN
		c := compare(f.Values, f.References)
		f.Ratio = &c
	}
	if f.Target != nil && (f.Target.Of == "value" || f.Ratio != nil) {
		holds := f.Target.holds(f)
		f.Holds = &holds
	}
	r.Figures = append(r.Figures, f)
}

// number writes three significant digits without an exponent.
func number(v float64) string {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return fmt.Sprint(v)
	}
	digits := max(0, 2-int(math.Floor(math.Log10(math.Abs(v)))))
	return fmt.Sprintf("%.*f", digits, v)
}

// spread is median (lowest–highest).
func spread(values []float64) string {
	if len(values) == 0 {
		return ""
	}
	return fmt.Sprintf("%s (%s–%s)", number(median(values)), number(slices.Min(values)), number(slices.Max(values)))
}

// table writes the report as Markdown, aligned for terminals.
func (r *report) table(w io.Writer) {
	fmt.Fprintf(w, "%s\n%s\n%s, %d rounds of %gs\nmedians (lowest–highest); ratios with the 95 %% bounds below and above\n\n",
		r.Machine, r.Database, r.Began.UTC().Format(time.RFC3339), r.Pairs, r.Seconds)
	tw := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
	fmt.Fprintln(tw, "| part\t| figure\t| unit\t| legwork\t| reference\t| reference's\t| ratio\t| target\t|")
	fmt.Fprintln(tw, "|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|")
	for _, f := range r.Figures {
		ratioText, targetText := "", ""
		if f.Ratio != nil {
			ratioText = fmt.Sprintf("%.2f (%.2f–%.2f)", f.Ratio.Median, f.Ratio.Low, f.Ratio.High)
		}
		if f.Target != nil {
			targetText = f.Target.String() + f.verdict()
		}
		fmt.Fprintf(tw, "| %s\t| %s\t| %s\t| %s\t| %s\t| %s\t| %s\t| %s\t|\n",
			f.Part, f.Name, f.Unit, spread(f.Values), f.Reference, spread(f.References), ratioText, targetText)
	}
	_ = tw.Flush()
}

// save writes results.json into dir, and the table into the file markdown; neither when its name is empty.
func (r *report) save(dir, markdown string) error {
	if markdown != "" {
		var table strings.Builder
		r.table(&table)
		if err := os.WriteFile(markdown, []byte(table.String()), 0o644); err != nil {
			return err
		}
	}
	if dir == "" {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "results.json"), append(b, '\n'), 0o644)
}

// machine names the hardware as far as Linux tells.
func machine() string {
	model := "unknown CPU"
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(b)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	memory := ""
	if kb := procField("/proc/meminfo", "MemTotal:"); kb > 0 {
		memory = fmt.Sprintf(", %.0f GiB", float64(kb)/(1<<20))
	}
	load := ""
	if b, err := os.ReadFile("/proc/loadavg"); err == nil {
		load = ", load before " + strings.Join(strings.Fields(string(b))[:3], " ")
	}
	return fmt.Sprintf("%s, %d CPUs%s, %s/%s, %s%s", model, runtime.NumCPU(), memory, runtime.GOOS, runtime.GOARCH, runtime.Version(), load)
}
