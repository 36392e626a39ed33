package measure

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Figure is one measured quantity, with a value for each round.
type Figure struct {
	Part   string    `json:"part"` // the part's letter in docs/performance.md
	Name   string    `json:"name"`
	Unit   string    `json:"unit"`
	Values []float64 `json:"values"`
	// Reference is the name of the program or setting with which the figure is compared; it is empty if there is
	// none. The two are measured alternately. References has the reference's values, one for each round, in the same
	// order as Values.
	Reference  string    `json:"reference,omitempty"`
	References []float64 `json:"references,omitempty"`
	Ratio      *Ratio    `json:"ratio,omitempty"` // ratio of the figure to its reference; nil without a reference, or if a value of the reference is 0
	// Target is the bound for the figure or for its ratio; nil means that there is none.
	Target *Target `json:"target,omitempty"`
	Holds  *bool   `json:"holds,omitempty"` // whether the target is met; nil without a target or ratio
}

// Target bounds the median of a figure, the median of its ratio, or the worse 95 % bound of its ratio.
type Target struct {
	Of      string  `json:"of"` // "value", "ratio", or "bound": the ratio's one-sided 95 % bound on the worse side
	AtLeast float64 `json:"atLeast,omitempty"`
	AtMost  float64 `json:"atMost,omitempty"`
}

// String returns the target as the report prints it.
func (t Target) String() string {
	if t.AtLeast > 0 {
		return fmt.Sprintf("%s ≥ %g", t.Of, t.AtLeast)
	}
	return fmt.Sprintf("%s ≤ %g", t.Of, t.AtMost)
}

func (t Target) holds(f Figure) bool {
	v := Median(f.Values)
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

func (f Figure) verdict() string {
	switch {
	case f.Holds == nil:
		return ": no ratio"
	case *f.Holds:
		return ": holds"
	}
	return ": MISSED"
}

// HigherIsBetter reports whether higher values of a unit are better. They are for rates, but not for time, memory and
// CPU use. An unknown unit is an error.
func HigherIsBetter(unit string) (bool, error) {
	switch {
	case strings.HasSuffix(unit, "/s"):
		return true, nil
	case slices.Contains([]string{"µs", "ms", "s", "KiB", "MiB", "% of one"}, unit):
		return false, nil
	}
	return false, fmt.Errorf("bench: the unit %q is new: say in HigherIsBetter (bench/measure/figure.go) which direction is better", unit)
}

// number formats a value with three significant digits, without an exponent.
func number(v float64) string {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return fmt.Sprint(v)
	}
	digits := max(0, 2-int(math.Floor(math.Log10(math.Abs(v)))))
	return fmt.Sprintf("%.*f", digits, v)
}

// Spread formats values as median (lowest–highest).
func Spread(values []float64) string {
	if len(values) == 0 {
		return ""
	}
	return fmt.Sprintf("%s (%s–%s)", number(Median(values)), number(slices.Min(values)), number(slices.Max(values)))
}
