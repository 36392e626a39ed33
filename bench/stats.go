package main

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// quantile of values, which it sorts; q in 0..1.
func quantile[T cmp.Ordered](values []T, q float64) T {
	slices.Sort(values)
	return values[min(len(values)-1, int(q*float64(len(values))))]
}

func median(values []float64) float64 {
	v := slices.Sorted(slices.Values(values))
	if len(v) == 0 {
		return math.NaN()
	}
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// resamples is how many bootstrap samples a bound is taken from.
const resamples = 4000

// ratio compares figures with the references measured beside them, pair by pair.
type ratio struct {
	Median float64 `json:"median"`
	Low    float64 `json:"low95"`  // one-sided 95 % bounds of the median of the pairs' ratios,
	High   float64 `json:"high95"` // by bootstrap over the pairs
}

// compare gives the ratio of paired measurements. The bootstrap always draws the same samples.
func compare(values, references []float64) ratio {
	ratios := make([]float64, len(values))
	for i := range values {
		ratios[i] = values[i] / references[i]
	}
	random := rand.New(rand.NewPCG(1, 2))
	medians := make([]float64, resamples)
	sample := make([]float64, len(ratios))
	for i := range medians {
		for j := range sample {
			sample[j] = ratios[random.IntN(len(ratios))]
		}
		medians[i] = median(sample)
	}
	return ratio{Median: median(ratios), Low: quantile(medians, 0.05), High: quantile(medians, 0.95)}
}

// micros gives durations in microseconds.
func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }
