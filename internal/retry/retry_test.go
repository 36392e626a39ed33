package retry_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"legwork/internal/retry"
	"legwork/internal/testcost"
)

func TestAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"7": 7 * time.Second, " 7 ": 7 * time.Second, "0": 0, "0.5": 500 * time.Millisecond, "86400": retry.Longest,
		"99999999999999999999999": retry.Longest, strings.Repeat("9", 400): retry.Longest,
		"Fri, 02 Jan 2026 03:04:35 GMT": 30 * time.Second, "Fri, 02 Jan 2026 03:00:00 GMT": 0,
		"Friday, 02-Jan-26 03:04:35 GMT": 30 * time.Second, "Fri Jan  2 03:04:35 2026": 30 * time.Second, "Sat, 02 Jan 2066 03:04:35 GMT": retry.Longest,
	} {
		got, ok := retry.After(http.Header{"Retry-After": {value}}, now)
		require.True(t, ok, value)
		require.Equal(t, want, got, value)
	}
	for _, value := range []string{"", " ", "-3", "+3", "soon", "1e9", "1e99", "NaN", "Inf", "0x10", ".", "1.2.3", "7 seconds", "1_000", "٣"} {
		got, ok := retry.After(http.Header{"Retry-After": {value}}, now)
		require.False(t, ok, value)
		require.Zero(t, got, value)
	}
	got, ok := retry.After(http.Header{"Retry-After-Ms": {"20"}, "Retry-After": {"1"}}, now)
	require.True(t, ok)
	require.Equal(t, 20*time.Millisecond, got)
	got, ok = retry.After(http.Header{"Retry-After-Ms": {"soon"}, "Retry-After": {"1"}}, now)
	require.True(t, ok)
	require.Equal(t, time.Second, got)
}

func FuzzAfter(f *testing.F) {
	for _, s := range []string{"", "7", "0.5", "-3", "99999999999999999999", "Fri, 02 Jan 2026 03:04:35 GMT", "1e99"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, seconds, ms string) {
		var d time.Duration
		var ok bool
		testcost.Check(t, len(seconds)+len(ms), testcost.Limit{Time: time.Microsecond, Alloc: 200}, func() {
			d, ok = retry.After(http.Header{"Retry-After": {seconds}, "Retry-After-Ms": {ms}}, time.Now())
		})
		if d < 0 || d > retry.Longest || !ok && d != 0 {
			t.Errorf("%q, %q: %v %v", seconds, ms, d, ok)
		}
	})
}

func TestPauses(t *testing.T) {
	t.Parallel()
	for range 200 {
		p := retry.NewPauses(100*time.Millisecond, time.Second)
		for round := range 2 {
			for i, ms := range []int{100, 200, 400, 800, 1000, 1000, 1000} {
				bound := time.Duration(ms) * time.Millisecond
				d := p.Next()
				require.GreaterOrEqual(t, d, bound/2-1, "round %d, pause %d", round, i)
				require.LessOrEqual(t, d, bound+1, "round %d, pause %d", round, i)
			}
			p.Reset()
		}
	}
	d := retry.NewPauses(time.Second, time.Millisecond).Next()
	require.LessOrEqual(t, d, time.Second+1)
	require.GreaterOrEqual(t, d, time.Second/2-1)
}

func TestWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		require.NoError(t, retry.NewPauses(time.Minute, time.Hour).Wait(t.Context()))
		require.GreaterOrEqual(t, time.Since(began), 29*time.Second)
		gone := errors.New("gone")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(gone) })
		require.ErrorIs(t, retry.Wait(ctx, time.Hour), gone)
		require.ErrorIs(t, retry.Wait(ctx, 0), gone, "a context that is done wins")
	})
}

func TestPause(t *testing.T) {
	t.Parallel()
	bound := 40 * time.Millisecond
	for n := 1; n < 100; n++ {
		if got := retry.Pause(n, 40*time.Millisecond, time.Second); got < bound/2-1 || got > bound+1 {
			t.Errorf("pause %d is %v, want %v to %v", n, got, bound/2, bound)
		}
		bound = min(2*bound, time.Second)
	}
	for _, n := range []int{-1, 0, 1 << 40} {
		if got := retry.Pause(n, time.Second, time.Hour); got < time.Second/2-1 || got > time.Hour+1 {
			t.Errorf("pause %d is %v", n, got)
		}
	}
}
