// Package goroutine starts goroutines whose panics do not end the process. Normally a panic ends a Go process unless
// the same goroutine recovers it. Runs of tasks read hostile input, so a panic in one run must not end the runs of
// other tasks. This package recovers the panic and passes it to the function that the context holds (see OnPanic).
// This function then makes the run fail, or logs the panic.
//
// Invariants:
//
//   - No panic in a goroutine that this package started, or in a function that Catch called, ends the process.
//   - Every panic is reported once, with its stack.
//
// rule_test.go forbids other ways to start a goroutine in the packages that take part in a run.
package goroutine

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// PanicError is a panic that was recovered.
type PanicError struct {
	Value any    // the argument of panic
	Stack []byte // of the goroutine that panicked, in the format of debug.Stack
}

// Error implements error. It leaves out the stack.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Unwrap returns the value of the panic if the value is an error, so that errors.Is and errors.As find it.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

type reportKey struct{}

// OnPanic returns a context that holds report. Panics are passed to report instead of the function that ctx held
// before. report is called in the goroutine that panicked. It must be safe for concurrent use, and must not panic.
func OnPanic(ctx context.Context, report func(*PanicError)) context.Context {
	return context.WithValue(ctx, reportKey{}, report)
}

// LogPanics returns a context in which panics are only logged. It is for goroutines that belong to no run.
func LogPanics(ctx context.Context, log *slog.Logger) context.Context {
	return OnPanic(ctx, func(p *PanicError) { Log(ctx, log, p) })
}

// Log writes a panic with its stack to a log.
func Log(ctx context.Context, log *slog.Logger, p *PanicError) {
	log.ErrorContext(ctx, "a goroutine panicked", "panic", p.Value, "stack", string(p.Stack))
}

// Catch calls f. If f panics, Catch passes the panic to the function that ctx holds (see OnPanic), and returns it as
// a *PanicError.
func Catch(ctx context.Context, f func() error) (err error) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		p := &PanicError{Value: v, Stack: debug.Stack()}
		err = p
		if report, ok := ctx.Value(reportKey{}).(func(*PanicError)); ok {
			report(p)
		} else {
			Log(ctx, slog.Default(), p)
		}
	}()
	return f()
}

// Call is like Catch, for a function that returns nothing. Use it in callbacks that a library calls in its own
// goroutine.
func Call(ctx context.Context, f func()) {
	_ = Catch(ctx, func() error { f(); return nil })
}

// Go calls f in a new goroutine. A panic is passed to the function that ctx holds. When ctx ends, f continues.
func Go(ctx context.Context, f func()) {
	go Call(ctx, f)
}

// AfterFunc is [context.AfterFunc]: when ctx ends, it calls f in a goroutine. If f panics, the panic is passed to the
// function that OnPanic stored in ctx.
func AfterFunc(ctx context.Context, f func()) (stop func() bool) {
	return context.AfterFunc(ctx, func() { Call(ctx, f) })
}

// AfterDelay is [time.AfterFunc]: after d it calls f in a goroutine. If f panics, the panic is passed to the function
// that OnPanic stored in ctx. The timer is not stopped when ctx ends.
func AfterDelay(ctx context.Context, d time.Duration, f func()) *time.Timer {
	return time.AfterFunc(d, func() { Call(ctx, f) })
}

// Group is like sync.WaitGroup, but reports panics of its goroutines. The zero Group is ready for use.
type Group struct{ wg sync.WaitGroup }

// Go calls f in a goroutine of the group.
func (g *Group) Go(ctx context.Context, f func()) {
	g.wg.Go(func() { Call(ctx, f) })
}

// Wait returns when all goroutines of the group have ended.
func (g *Group) Wait() { g.wg.Wait() }

// ErrGroup is like [errgroup.Group], but reports panics of its goroutines. The zero ErrGroup is ready for use,
// without a limit.
type ErrGroup struct{ group errgroup.Group }

// SetLimit bounds how many goroutines of the group run at once. Call it before Go.
func (g *ErrGroup) SetLimit(n int) { g.group.SetLimit(n) }

// Go calls f in a goroutine of the group, once the limit allows it.
func (g *ErrGroup) Go(ctx context.Context, f func() error) {
	g.group.Go(func() error { return Catch(ctx, f) })
}

// Wait returns when all goroutines of the group have ended. It returns the first error. For a panic this is a
// *PanicError.
func (g *ErrGroup) Wait() error { return g.group.Wait() }
