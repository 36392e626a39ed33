package agent

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"legwork/internal/research"
)

// TestKeep checks what becomes of a large page when it is stored, when it cannot be stored in time, and when the reading time or the run ends
// meanwhile. Other pages are stored with their step.
func TestKeep(t *testing.T) {
	t.Parallel()
	lost := errors.New("lost")
	forever := func(ctx context.Context, _ *research.Page) error { <-ctx.Done(); return ctx.Err() }
	ended, end := context.WithCancel(t.Context())
	end()
	for name, tt := range map[string]struct {
		ctx      context.Context
		passages int
		cached   bool
		budget   time.Duration
		keep     func(context.Context, *research.Page) error
		outcome  research.Outcome
		timeUp   bool
		err      error
	}{
		"stored":        {t.Context(), 301, false, time.Hour, func(context.Context, *research.Page) error { return nil }, research.OutcomeOK, false, nil},
		"small":         {t.Context(), 300, false, time.Hour, func(context.Context, *research.Page) error { return lost }, research.OutcomeOK, false, nil},
		"stored before": {t.Context(), 301, true, time.Hour, func(context.Context, *research.Page) error { return lost }, research.OutcomeOK, false, nil},
		"too slow": {t.Context(), 301, false, time.Hour, func(context.Context, *research.Page) error {
			return fmt.Errorf("%w: it took long", research.ErrTooSlow)
		}, research.OutcomeTooLarge, false, nil},
		"no time left":    {t.Context(), 301, false, 20 * time.Millisecond, forever, research.OutcomeTimeout, true, nil},
		"the run ended":   {ended, 301, false, time.Hour, forever, "", false, context.Canceled},
		"another failure": {t.Context(), 301, false, time.Hour, func(context.Context, *research.Page) error { return lost }, "", false, lost},
	} {
		b := &Session{Env: Env{Keep: tt.keep, Started: time.Now(), Task: research.Task{Options: research.Options{TimeBudget: tt.budget}}}}
		v := research.Visit{Outcome: research.OutcomeOK, Cached: tt.cached, Links: []research.Link{{URL: "http://a.example/"}}, Page: &research.Page{Passages: make([]research.Passage, tt.passages)}}
		timeUp, err := b.keep(tt.ctx, &v)
		if !errors.Is(err, tt.err) || timeUp != tt.timeUp {
			t.Errorf("%s: time up %v, error %v", name, timeUp, err)
		}
		if failed := tt.outcome != research.OutcomeOK; err == nil && (v.Outcome != tt.outcome || failed != (v.Page == nil) || failed != (v.Message != "") || failed != (v.Links == nil)) {
			t.Errorf("%s: %+v", name, v)
		}
	}
}
