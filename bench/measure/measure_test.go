package measure

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestCompare(t *testing.T) {
	t.Parallel()
	hundred := []float64{100, 100, 100, 100, 100, 100, 100, 100, 100, 100}
	values := []float64{80, 90, 100, 90, 80, 95, 85, 90, 100, 90}
	for name, compare := range map[string]func(values, others []float64) Ratio{"ratios": Compare, "medians": CompareMedians} {
		got := compare(values, hundred)
		if got.Median != 0.9 || got.Low < 0.8 || got.Low > 0.9 || got.High < 0.9 || got.High > 1 {
			t.Errorf("%s: %+v", name, got)
		}
		if again := compare(values, hundred); again != got {
			t.Errorf("%s: two comparisons of the same values differ", name)
		}
	}
	// The ratios of the rounds are 1, 0.5 and 3; their median is 1. The medians of the values are 20 and 10; their
	// ratio is 2.
	if got := CompareMedians([]float64{10, 20, 30}, []float64{10, 40, 10}); got.Median != 2 {
		t.Errorf("ratio of medians = %v", got.Median)
	}
	if got := Compare([]float64{10, 20, 30}, []float64{10, 40, 10}); got.Median != 1 {
		t.Errorf("median of ratios = %v", got.Median)
	}
}

func TestTargets(t *testing.T) {
	t.Parallel()
	f := Figure{Values: []float64{8, 10, 12}, Ratio: &Ratio{Median: 0.9, Low: 0.8, High: 1.1}}
	for _, c := range []struct {
		target Target
		holds  bool
	}{
		{Target{Of: "value", AtMost: 10}, true}, {Target{Of: "value", AtMost: 9}, false}, {Target{Of: "value", AtLeast: 11}, false},
		{Target{Of: "ratio", AtLeast: 0.85}, true}, {Target{Of: "bound", AtLeast: 0.85}, false},
		{Target{Of: "ratio", AtMost: 1}, true}, {Target{Of: "bound", AtMost: 1}, false},
	} {
		if got := c.target.holds(f); got != c.holds {
			t.Errorf("%s: %v", c.target, got)
		}
	}
}

// TestReferenceOfZero checks that a figure whose reference is 0 has no ratio, and that the report can be written.
func TestReferenceOfZero(t *testing.T) {
	t.Parallel()
	var r Report
	r.Add(Figure{Part: "d", Name: "kernel", Values: []float64{0, 3}, Reference: "bare", References: []float64{0, 1}, Target: &Target{Of: "ratio", AtMost: 2}})
	if f := r.Figures[0]; f.Ratio != nil || f.Holds != nil || Median(f.Values) != 1.5 {
		t.Errorf("figure = %+v", f)
	}
	var table bytes.Buffer
	if r.Table(&table); !strings.Contains(table.String(), "no ratio") {
		t.Error(table.String())
	}
	if err := r.Save(t.TempDir(), ""); err != nil {
		t.Error(err)
	}
}

func TestRounds(t *testing.T) {
	t.Parallel()
	var order []string
	side := func(name string) Side {
		return func(context.Context) (map[string]float64, error) {
			order = append(order, name)
			return map[string]float64{"n": float64(len(order))}, nil
		}
	}
	got, err := Rounds(t.Context(), 3, map[string]Side{"a": side("a"), "b": side("b")}, "a", "b")
	if err != nil || strings.Join(order, " ") != "a b b a a b" {
		t.Error(order, err)
	}
	if want := map[string]map[string][]float64{"a": {"n": {1, 4, 5}}, "b": {"n": {2, 3, 6}}}; !reflect.DeepEqual(got, want) {
		t.Errorf("values = %v", got)
	}
	broken := errors.New("broken")
	sides := map[string]Side{"a": side("a"), "b": func(context.Context) (map[string]float64, error) { return nil, broken }}
	if _, err := Rounds(t.Context(), 1, sides, "a", "b"); !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "b: ") {
		t.Error(err)
	}
}

func TestNumber(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]string{0: "0", 0.0223: "0.0223", 1.5: "1.50", 28.72: "28.7", 823.4: "823", 14321: "14321"} {
		if got := number(v); got != want {
			t.Errorf("%v: %s", v, got)
		}
	}
}

func TestUnits(t *testing.T) {
	t.Parallel()
	for unit, higher := range map[string]bool{"events/s": true, "runs/s": true, "µs": false, "ms": false, "s": false, "KiB": false, "% of one": false} {
		if got, err := HigherIsBetter(unit); err != nil || got != higher {
			t.Errorf("%s: %v %v", unit, got, err)
		}
	}
	if _, err := HigherIsBetter("furlongs"); err == nil {
		t.Error("a unit without a direction was taken")
	}
}
