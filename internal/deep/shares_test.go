package deep

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"legwork/internal/research"
)

// TestShareOut: whatever the pool, the shares of a plan are usable, and their sum is within what is left.
func TestShareOut(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	cfg := Config{}.withDefaults()
	for range 20_000 {
		o := research.Options{MaxPages: 1 + r.IntN(300), TimeBudget: time.Duration(1+r.IntN(7200)) * time.Second}
		if r.IntN(2) == 0 {
			o.MaxTokens = int64(1000 + r.IntN(1_000_000))
		}
		price := int64(r.IntN(3) * 1_000_000)
		whole, own := cfg.pool(o, int64(r.IntN(2)*400_000), price)
		left := research.Share{Pages: whole.Pages, Seconds: whole.Seconds - own.Seconds, Tokens: minus(whole.Tokens, own.Tokens), Microdollars: minus(whole.Microdollars, own.Microdollars)}
		round, last := 1+r.IntN(2), r.IntN(12)
		subs := cfg.shareOut(left, make([]research.Subquestion, r.IntN(15)), round, last)
		require.LessOrEqual(t, last+len(subs), research.MaxChildren)
		var sum research.Share
		for i, s := range subs {
			what := fmt.Sprintf("%+v of %+v", s, left)
			require.Equal(t, last+1+i, s.Number, what)
			require.Positive(t, s.Share.Pages, what)
			require.LessOrEqual(t, s.Share.Pages, int64(maxPages), what)
			require.Positive(t, s.Share.Seconds, what)
			sum.Pages, sum.Seconds = sum.Pages+s.Share.Pages, sum.Seconds+s.Share.Seconds
			if left.Tokens != nil {
				require.Positive(t, *s.Share.Tokens, what)
				sum.Tokens = plus(sum.Tokens, s.Share.Tokens)
			}
			sum.Microdollars = plus(sum.Microdollars, s.Share.Microdollars)
		}
		require.LessOrEqual(t, sum.Pages, left.Pages)
		require.LessOrEqual(t, sum.Seconds, left.Seconds)
		if sum.Tokens != nil {
			require.LessOrEqual(t, *sum.Tokens, *left.Tokens)
		}
		if sum.Microdollars != nil {
			require.LessOrEqual(t, *sum.Microdollars, *left.Microdollars)
		}
	}
}

func minus(a, b *int64) *int64 {
	if a == nil {
		return nil
	}
	n := *a - *b
	return &n
}

func plus(a, b *int64) *int64 {
	if b == nil {
		return a
	}
	n := *b
	if a != nil {
		n += *a
	}
	return &n
}

// TestLeastPool: the least that the API accepts is enough for one sub-question.
func TestLeastPool(t *testing.T) {
	t.Parallel()
	cfg := Config{}.withDefaults()
	whole, own := cfg.pool(research.Options{MaxPages: 1, TimeBudget: 2 * time.Second, MaxTokens: 1000}, 0, 0)
	left := research.Share{Pages: whole.Pages, Seconds: whole.Seconds - own.Seconds, Tokens: minus(whole.Tokens, own.Tokens)}
	require.Len(t, cfg.shareOut(left, make([]research.Subquestion, 5), 1, 0), 1)
}
