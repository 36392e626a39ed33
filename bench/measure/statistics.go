package measure

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// Quantile returns the value below which the share q (0 to 1) of the values lies. It sorts the values. There must be
// at least one value.
func Quantile[T cmp.Ordered](values []T, q float64) T {
	slices.Sort(values)
	return values[min(len(values)-1, int(q*float64(len(values))))]
}

// Median returns the middle value, or the mean of the two middle values. It returns NaN if there are no values.
func Median(values []float64) float64 {
	v := slices.Sorted(slices.Values(values))
	if len(v) == 0 {
		return math.NaN()
	}
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// Micros converts a duration to microseconds.
func Micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }

// Ratio compares values with other values that were measured in the same rounds.
type Ratio struct {
	Median float64 `json:"median"` // from Compare: the median of the ratios of all rounds; from CompareMedians: the ratio of the medians
	Low    float64 `json:"low95"`  // one-sided 95 % bounds of Median, by bootstrap over the rounds
	High   float64 `json:"high95"`
}

// Compare computes value / reference for each round and returns the median. Both slices must have the same length,
// and no reference may be 0.
func Compare(values, references []float64) Ratio {
	ratios := make([]float64, len(values))
	for i := range values {
		ratios[i] = values[i] / references[i]
	}
	return bootstrap(len(ratios), func(rounds []int) float64 { return Median(pick(ratios, rounds)) })
}

// CompareMedians returns median(values) / median(others). Both slices must have the same length, and no value may be 0.
func CompareMedians(values, others []float64) Ratio {
	return bootstrap(len(values), func(rounds []int) float64 { return Median(pick(values, rounds)) / Median(pick(others, rounds)) })
}

// resamples is the number of bootstrap samples.
const resamples = 4000

// bootstrap computes a statistic of n rounds and two bounds: the quantiles 0.05 and 0.95 of the same statistic over
// samples of n rounds, drawn with replacement (Efron and Tibshirani, An Introduction to the Bootstrap, chapter 13).
// The samples are the same in each call, so the bounds can be reproduced from the values of a report.
func bootstrap(n int, statistic func(rounds []int) float64) Ratio {
	rounds := make([]int, n)
	for i := range rounds {
		rounds[i] = i
	}
	r := Ratio{Median: statistic(rounds)}
	random := rand.New(rand.NewPCG(1, 2))
	samples := make([]float64, resamples)
	for i := range samples {
		for j := range rounds {
			rounds[j] = random.IntN(n)
		}
		samples[i] = statistic(rounds)
	}
	r.Low, r.High = Quantile(samples, 0.05), Quantile(samples, 0.95)
	return r
}

// pick returns the values of the given rounds.
func pick(values []float64, rounds []int) []float64 {
	out := make([]float64, len(rounds))
	for i, round := range rounds {
		out[i] = values[round]
	}
	return out
}
