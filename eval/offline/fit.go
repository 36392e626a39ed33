package main

import (
	"fmt"
	"math"
)

// bins is the number of classes of the reliability table.
const bins = 5

// fit computes the coefficients of the confidence (internal/agent/ranking/confidence.go) by logistic regression: whether an
// answer was found, from the relevance of its passages. It prints them.
func fit(outcomes []outcome) {
	const rounds, step, shrink = 20_000, 0.02, 0.3
	var weights [3]float64
	values := func(o outcome) [3]float64 {
		whole := o.Relevance.Whole
		if o.Relevance.Foreign {
			whole = 0.75 // as foreignWhole
		}
		return [3]float64{1, whole, o.Relevance.Lead}
	}
	for range rounds {
		var slope [3]float64
		for _, o := range outcomes {
			if o.Declined {
				continue
			}
			sum, x := 0.0, values(o)
			for i := range weights {
				sum += weights[i] * x[i]
			}
			miss := 1 / (1 + math.Exp(-sum))
			if o.Found {
				miss--
			}
			for i := range slope {
				slope[i] += miss * x[i]
			}
		}
		for i := range weights {
			if i > 0 {
				slope[i] += shrink * weights[i]
			}
			weights[i] -= step * slope[i]
		}
	}
	fmt.Printf("confidenceBase %.2f, confidenceWhole %.2f, confidenceLead %.2f\n", weights[0], weights[1], weights[2])
}

// reliability prints, for classes of confidence, how many answers had it, its mean, and the share in which the answer was
// found; and the expected calibration error, which is the mean distance of the two.
func reliability(outcomes []outcome) {
	var n, found [bins]int
	var sum [bins]float64
	total := 0
	for _, o := range outcomes {
		if o.Declined {
			continue
		}
		i := min(int(o.Confidence*bins), bins-1)
		n[i]++
		sum[i] += o.Confidence
		if o.Found {
			found[i]++
		}
		total++
	}
	distance := 0.0
	for i := range n {
		if n[i] == 0 {
			continue
		}
		mean, share := sum[i]/float64(n[i]), float64(found[i])/float64(n[i])
		distance += float64(n[i]) / float64(total) * math.Abs(mean-share)
		fmt.Printf("confidence %.1f–%.1f: %3d answers, mean %.2f, found %.2f\n", float64(i)/bins, float64(i+1)/bins, n[i], mean, share)
	}
	fmt.Printf("expected calibration error %.3f\n", distance)
}
