package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"legwork/bench/measure"
	"legwork/bench/parts"
)

// atLeast is the target for every figure: this version must reach at least this share of the other version's
// performance.
const atLeast = 0.95

// fewestPairs is the least number of pairs of runs for a verdict. With fewer pairs, the bootstrap has too few values.
const fewestPairs = 5

// triesOfRun is how often a run is tried. On a busy machine pgbench sometimes finishes no transaction in time.
const triesOfRun = 3

// versions compares two versions that were measured alternately.
type versions struct {
	Began    time.Time     `json:"began"`
	Machine  string        `json:"machine"`
	Database string        `json:"database"`
	Pairs    int           `json:"pairs"`
	Before   string        `json:"before"` // folder and commit
	Now      string        `json:"now"`
	Figures  []versionPair `json:"figures"`
	OnlyOne  []string      `json:"onlyOne"` // figures that only one of the two versions has
}

// versionPair compares one figure in the two versions. Before and Now have one value for each pair of runs: the
// median of the values that the figure has in the run of this version.
type versionPair struct {
	figureKey
	HigherIsBetter bool      `json:"higherIsBetter"`
	Before         []float64 `json:"before"`
	Now            []float64 `json:"now"`
	// Ratio is the ratio of the medians. More than 1 means that the new version is better: it is now / before for a
	// rate, and before / now for a time. It is nil if a value is 0.
	Ratio   *measure.Ratio `json:"ratio,omitempty"`
	Verdict string         `json:"verdict"`
	Holds   *bool          `json:"holds,omitempty"` // whether the ratio is at least atLeast; nil without a ratio
}

// figureKey identifies a figure.
type figureKey struct {
	Part string `json:"part"`
	Name string `json:"name"`
	Unit string `json:"unit"`
}

// checkout is one of the two versions: its folder, its program, and the folder for its results.
type checkout struct{ dir, binary, results string }

// compareVersions builds bench of both versions and runs them alternately on one database server. A run is one round of each part. After an
// error, it returns the pairs that were complete.
func compareVersions(ctx context.Context, s settings, log io.Writer) (versions, error) {
	b, err := parts.New(ctx, s.Settings, log)
	if err != nil {
		return versions{}, err
	}
	defer b.Close()
	v := versions{Began: b.Report.Began, Machine: b.Report.Machine, Database: b.Report.Database, Pairs: s.Pairs,
		Before: describe(ctx, s.against), Now: describe(ctx, ".")}
	read := map[string][][]measure.Figure{}
	sides := map[string]measure.Side{}
	for name, dir := range map[string]string{"before": s.against, "now": "."} {
		c, err := build(ctx, dir, filepath.Join(b.Dir(), name))
		if err != nil {
			return v, err
		}
		sides[name] = func(ctx context.Context) (map[string]float64, error) {
			began := time.Now()
			figures, err := c.run(ctx, s, b.DatabaseURL(), log)
			for try := 2; err != nil && try <= triesOfRun && ctx.Err() == nil; try++ {
				b.Logf("%s: run %d failed, try %d of %d begins: %v", name, len(read[name])+1, try, triesOfRun, err)
				figures, err = c.run(ctx, s, b.DatabaseURL(), log)
			}
			if err != nil {
				return nil, err
			}
			read[name] = append(read[name], figures)
			b.Logf("%s: run %d of %d took %s", name, len(read[name]), s.Pairs, time.Since(began).Round(time.Second))
			return nil, nil
		}
	}
	_, failed := measure.Rounds(ctx, s.Pairs, sides, "before", "now")
	v.Pairs = min(len(read["before"]), len(read["now"]))
	v.Figures, v.OnlyOne, err = pairUp(read["before"][:v.Pairs], read["now"][:v.Pairs])
	return v, errors.Join(failed, err)
}

// describe returns the path of a folder and the commit that is checked out there, if git knows it.
func describe(ctx context.Context, dir string) string {
	name, err := filepath.Abs(dir)
	if err != nil {
		name = dir
	}
	commit, err := exec.CommandContext(ctx, "git", "-C", dir, "describe", "--always", "--dirty").Output()
	if err != nil {
		return name
	}
	return name + " at " + strings.TrimSpace(string(commit))
}

// build compiles bench of the version in dir, into the folder to.
func build(ctx context.Context, dir, to string) (checkout, error) {
	c := checkout{dir: dir, binary: filepath.Join(to, "bench"), results: filepath.Join(to, "results")}
	cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-o", c.binary, "./bench")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return c, fmt.Errorf("bench: build ./bench in %s, which must be a checkout of legwork: %w\n%s", dir, err, out)
	}
	return c, nil
}

// run measures a version once and returns its figures.
func (c checkout) run(ctx context.Context, s settings, databaseURL string, log io.Writer) ([]measure.Figure, error) {
	if err := os.RemoveAll(c.results); err != nil {
		return nil, err
	}
	args := []string{"-parts", s.names, "-pairs", "1", "-duration", s.Duration.String(), "-tasks", strconv.Itoa(s.Tasks),
		"-sockets", s.Sockets, "-only", s.Only.String(), "-out", c.results}
	if s.Quick {
		args = append(args, "-quick")
	}
	cmd := exec.CommandContext(ctx, c.binary, args...)
	cmd.Dir, cmd.Stderr = c.dir, log
	cmd.Env = append(os.Environ(), parts.DatabaseVariable+"="+databaseURL)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // lets the program stop its servers and drop its databases
	cmd.WaitDelay = time.Minute
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("bench of %s: %w", c.dir, err)
	}
	raw, err := os.ReadFile(filepath.Join(c.results, "results.json"))
	if err != nil {
		return nil, err
	}
	return readFigures(raw)
}

// readFigures reads the figures in a results.json of this version or an older one.
func readFigures(raw []byte) ([]measure.Figure, error) {
	var r measure.Report
	if err := json.Unmarshal(raw, &r); err != nil {
		return nil, fmt.Errorf("bench: results.json is not what this version reads: %w", err)
	}
	if len(r.Figures) == 0 {
		return nil, errors.New("bench: results.json has no figures")
	}
	for _, f := range r.Figures {
		if f.Part == "" || f.Name == "" || len(f.Values) == 0 {
			return nil, fmt.Errorf("bench: results.json has a figure without part, name or values: %q %q", f.Part, f.Name)
		}
	}
	return r.Figures, nil
}

// pairUp pairs the figures of two versions, run by run, in the order of the newer version. onlyOne names the figures
// that only one of the versions has.
func pairUp(before, now [][]measure.Figure) (pairs []versionPair, onlyOne []string, err error) {
	was, _ := collect(before)
	is, order := collect(now)
	for _, key := range order {
		if len(was[key]) == 0 {
			onlyOne = append(onlyOne, fmt.Sprintf("%s: %s (%s), only now", key.Part, key.Name, key.Unit))
			continue
		}
		if len(was[key]) != len(is[key]) {
			return nil, nil, fmt.Errorf("bench: %s has %d values before and %d now: a run left it out", key.Name, len(was[key]), len(is[key]))
		}
		pair, err := judge(key, was[key], is[key])
		if err != nil {
			return nil, nil, err
		}
		pairs = append(pairs, pair)
	}
	_, order = collect(before)
	for _, key := range order {
		if len(is[key]) == 0 {
			onlyOne = append(onlyOne, fmt.Sprintf("%s: %s (%s), only before", key.Part, key.Name, key.Unit))
		}
	}
	return pairs, onlyOne, nil
}

// collect returns the median of each figure in each run, and the figures in the order in which they first appear. A
// run lists a figure twice if it was compared with two references; then only the first entry is used.
func collect(runs [][]measure.Figure) (values map[figureKey][]float64, order []figureKey) {
	values = map[figureKey][]float64{}
	for _, figures := range runs {
		seen := map[figureKey]bool{}
		for _, f := range figures {
			key := figureKey{f.Part, f.Name, f.Unit}
			if seen[key] {
				continue
			}
			seen[key] = true
			if values[key] == nil {
				order = append(order, key)
			}
			values[key] = append(values[key], measure.Median(f.Values))
		}
	}
	return values, order
}

// judge compares the values of one figure in two versions.
func judge(key figureKey, before, now []float64) (versionPair, error) {
	higher, err := measure.HigherIsBetter(key.Unit)
	p := versionPair{figureKey: key, HigherIsBetter: higher, Before: before, Now: now}
	if err != nil {
		return p, err
	}
	if slices.Contains(before, 0) || slices.Contains(now, 0) {
		p.Verdict = "no ratio: a value is 0"
		return p, nil
	}
	ratio := measure.CompareMedians(before, now)
	if higher {
		ratio = measure.CompareMedians(now, before)
	}
	holds := ratio.Median >= atLeast
	p.Ratio, p.Holds = &ratio, &holds
	switch {
	case len(now) < fewestPairs:
		p.Verdict = fmt.Sprintf("fewer than %d pairs", fewestPairs)
	case ratio.Low > 1:
		p.Verdict = "better"
	case ratio.High < 1:
		p.Verdict = "worse"
	default:
		p.Verdict = "no difference shown"
	}
	return p, nil
}
