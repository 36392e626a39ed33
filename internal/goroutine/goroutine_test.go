package goroutine_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"

	"legwork/internal/goroutine"
)

// TestPanicsAreReported checks that each function of this package that runs f reports a panic of f once, with the stack of the
// place where it happened.
func TestPanicsAreReported(t *testing.T) {
	boom := func() { panic("boom") }
	for name, run := range map[string]func(ctx context.Context, f func()){
		"Go":   goroutine.Go,
		"Call": goroutine.Call,
		"Catch": func(ctx context.Context, f func()) {
			var p *goroutine.PanicError
			if err := goroutine.Catch(ctx, func() error { f(); return nil }); !errors.As(err, &p) || err.Error() != "panic: boom" {
				t.Errorf("Catch: %v", err)
			}
		},
		"AfterFunc": func(ctx context.Context, f func()) {
			ctx, cancel := context.WithCancel(ctx)
			goroutine.AfterFunc(ctx, f)
			cancel()
		},
		"Group": func(ctx context.Context, f func()) {
			var g goroutine.Group
			g.Go(ctx, f)
			g.Wait()
		},
		"ErrGroup": func(ctx context.Context, f func()) {
			var g goroutine.ErrGroup
			g.SetLimit(1)
			g.Go(ctx, func() error { f(); return nil })
			g.Go(ctx, func() error { return nil }) // runs only if the limit no longer includes the goroutine that panicked
			var p *goroutine.PanicError
			if err := g.Wait(); !errors.As(err, &p) {
				t.Errorf("ErrGroup: %v", err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			reported := make(chan *goroutine.PanicError, 2)
			run(goroutine.OnPanic(t.Context(), func(p *goroutine.PanicError) { reported <- p }), boom)
			p := <-reported
			if p.Value != "boom" || !strings.Contains(string(p.Stack), "TestPanicsAreReported") {
				t.Errorf("reported %v with the stack\n%s", p.Value, p.Stack)
			}
			if len(reported) != 0 {
				t.Error("reported twice")
			}
		})
	}
}

func TestErrorsAndValuesPass(t *testing.T) {
	var g goroutine.ErrGroup
	want := errors.New("no")
	var n atomic.Int64
	for range 5 {
		g.Go(t.Context(), func() error { n.Add(1); return want })
	}
	if err := g.Wait(); !errors.Is(err, want) || n.Load() != 5 {
		t.Errorf("%v after %d", err, n.Load())
	}
	if err := goroutine.Catch(t.Context(), func() error { panic(want) }); !errors.Is(err, want) {
		t.Errorf("a panic with an error: %v", err)
	}
	if err := goroutine.Catch(t.Context(), func() error { return nil }); err != nil {
		t.Error(err)
	}
}

func TestLogPanics(t *testing.T) {
	var out bytes.Buffer
	ctx := goroutine.LogPanics(t.Context(), slog.New(slog.NewTextHandler(&out, nil)))
	goroutine.Call(ctx, func() { panic("boom") })
	if s := out.String(); !strings.Contains(s, "panic=boom") || !strings.Contains(s, "TestLogPanics") {
		t.Errorf("log: %s", s)
	}
}
