package search

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"legwork/internal/research"
	"legwork/internal/retry"
)

// broken is an engine that fails while err is set, and counts its searches.
type broken struct {
	err   error
	asked int
}

func (b *broken) Name() research.Engine { return research.Bing }

func (b *broken) Search(context.Context, Query) ([]Result, error) {
	b.asked++
	return nil, b.err
}

// TestPauses: the pause doubles with each failure, up to ten minutes, and is at least as long as the engine asks for.
// After a success the next pause is thirty seconds again.
func TestPauses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := &broken{err: errors.New("Bing is broken.")}
		s := NewSet(e)
		// paused makes one search, which must ask the engine, and returns the pause that follows.
		paused := func() time.Duration {
			before := e.asked
			_, err := s.Search(t.Context(), research.Bing, Query{Text: "kettle", Limit: 1})
			require.NoError(t, err)
			require.Equal(t, before+1, e.asked)
			_, err = s.Search(t.Context(), research.Bing, Query{Text: "kettle", Limit: 1})
			require.NoError(t, err)
			require.Equal(t, before+1, e.asked, "the engine was asked in its pause")
			wait := time.Until(s.paused[research.Bing].until)
			require.NoError(t, retry.Wait(t.Context(), wait))
			return wait
		}
		for _, seconds := range []int{30, 60, 120, 240, 480, 600, 600} {
			bound, wait := time.Duration(seconds)*time.Second, paused()
			require.LessOrEqual(t, wait, bound+1)
			require.GreaterOrEqual(t, wait, bound/2-1)
		}
		e.err = &failure{sentence: "Bing asks for a pause.", after: time.Hour}
		require.Equal(t, time.Hour, paused())
		e.err = nil
		_, err := s.Search(t.Context(), research.Bing, Query{Text: "kettle", Limit: 0})
		require.NoError(t, err)
		e.err = errors.New("Bing is broken.")
		require.LessOrEqual(t, paused(), 30*time.Second+1)
	})
}
