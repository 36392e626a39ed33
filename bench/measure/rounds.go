package measure

import (
	"context"
	"fmt"
	"time"
)

// Side is one of the compared programs. Each call measures it once and returns the measured values by name.
type Side func(ctx context.Context) (map[string]float64, error)

// Rounds measures all sides alternately, n times, and returns all values by side and name. The first side of a round
// is the second side of the round before.
func Rounds(ctx context.Context, n int, sides map[string]Side, order ...string) (map[string]map[string][]float64, error) {
	out := map[string]map[string][]float64{}
	for round := range n {
		for i := range order {
			name := order[(i+round)%len(order)]
			values, err := sides[name](ctx)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			if out[name] == nil {
				out[name] = map[string][]float64{}
			}
			for k, v := range values {
				out[name][k] = append(out[name][k], v)
			}
		}
	}
	return out, nil
}

// WaitUntil returns at the given time, or earlier if the context ends.
func WaitUntil(ctx context.Context, at time.Time) {
	t := time.NewTimer(time.Until(at))
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
