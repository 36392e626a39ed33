//go:build !failpoints

package failpoint

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestInactive(t *testing.T) { // no t.Parallel, because AllocsPerRun must not run in parallel
	require.False(t, Enabled)
	require.Zero(t, testing.AllocsPerRun(100, func() { Hit(t.Context(), "after_step_commit") }))
}

func BenchmarkHit(b *testing.B) {
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		Hit(ctx, "after_step_commit")
	}
}
