// Package measure has what all measurements need: alternating rounds, statistics, figures with targets, the report,
// and facts about the machine and its processes (Linux).
//
// It does not depend on legwork. The values of a figure are in the order of the rounds, so values of two figures with
// the same index were measured one after the other.
package measure

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Report has all results of one run.
type Report struct {
	Began    time.Time `json:"began"`
	Machine  string    `json:"machine"`
	Database string    `json:"database"`
	Pairs    int       `json:"pairs"`
	Seconds  float64   `json:"secondsPerMeasurement"`
	Figures  []Figure  `json:"figures"`
}

// Add computes the ratio and the verdict of a figure, and adds it to the report.
func (r *Report) Add(f Figure) {
	if len(f.References) > 0 && !slices.Contains(f.References, 0) { // without a 0, because the ratio would be infinite or NaN, which JSON does not have
		c := Compare(f.Values, f.References)
		f.Ratio = &c
	}
	if f.Target != nil && (f.Target.Of == "value" || f.Ratio != nil) {
		holds := f.Target.holds(f)
		f.Holds = &holds
	}
	r.Figures = append(r.Figures, f)
}

// Table writes the report as a Markdown table that is aligned for terminals.
func (r *Report) Table(w io.Writer) {
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
			f.Part, f.Name, f.Unit, Spread(f.Values), f.Reference, Spread(f.References), ratioText, targetText)
	}
	_ = tw.Flush()
}

// Save writes results.json into dir, and the table into the file markdown. If a name is empty, nothing is written there.
func (r *Report) Save(dir, markdown string) error {
	var table strings.Builder
	r.Table(&table)
	return Save(r, table.String(), dir, "results.json", markdown)
}

// Save writes a report as JSON into the file with this name in the folder dir, and the table into the file markdown.
// It creates dir if it does not exist. If dir is empty, no JSON is written. If markdown is empty, no table is
// written.
func Save(report any, table, dir, file, markdown string) error {
	if markdown != "" {
		if err := os.WriteFile(markdown, []byte(table), 0o644); err != nil {
			return err
		}
	}
	if dir == "" {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	b, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, file), append(b, '\n'), 0o644)
}

// Machine describes the processor and memory of the machine, as far as Linux reports them.
func Machine() string {
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
