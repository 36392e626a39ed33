// Package goroutine starts goroutines whose panics do not end the process. A panic ends a Go process unless the same goroutine
// recovers it. Runs of tasks read hostile input, so a panic in one must not end the runs of other tasks. The panic is
// recovered and passed to the function that the context holds (OnPanic): the run then fails, or the panic is logged.
//
// Invariants:
//
//   - No panic in a goroutine that this package started, or in a function that Catch called, ends the process.
//   - Every panic is reported once, with its stack.
//
// rule_test.go forbids all other ways to start a goroutine in the packages that take part in a run.
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

// Unwrap returns the value of the panic if it is an error, for errors.Is and errors.As.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

type reportKey struct{}

// OnPanic returns a context with the function to which panics are passed. It replaces the function that ctx has. report is
// called in the goroutine that panicked. It must be safe for concurrent use, and must not panic.
func OnPanic(ctx context.Context, report func(*PanicError)) context.Context {
	return context.WithValue(ctx, reportKey{}, report)
}

// LogPanics is OnPanic for goroutines that belong to no run: a panic is only logged.
func LogPanics(ctx context.Context, log *slog.Logger) context.Context {
	return OnPanic(ctx, func(p *PanicError) { Log(ctx, log, p) })
}

// Log writes a panic with its stack to a log.
func Log(ctx context.Context, log *slog.Logger, p *PanicError) {
	log.ErrorContext(ctx, "a goroutine panicked", "panic", p.Value, "stack", string(p.Stack))
}

// Catch calls f. When f panics, Catch passes the panic to the function of ctx, and returns it as a *PanicError.
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

// Call is Catch for a callback that returns nothing. A library may call it in a goroutine of its own.
func Call(ctx context.Context, f func()) {
	_ = Catch(ctx, func() error { f(); return nil })
}

// Go calls f in a goroutine. A panic is passed to the function of ctx. The end of ctx does not end f.
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

// Group is a sync.WaitGroup whose goroutines report their panics. The zero Group is ready for use.
type Group struct{ wg sync.WaitGroup }

// Go calls f in a goroutine of the group.
func (g *Group) Go(ctx context.Context, f func()) {
	g.wg.Go(func() { Call(ctx, f) })
}

// Wait returns when all goroutines of the group have ended.
func (g *Group) Wait() { g.wg.Wait() }

// ErrGroup is an [errgroup.Group] whose goroutines report their panics. The zero ErrGroup is ready for use, without a limit.
type ErrGroup struct{ group errgroup.Group }

// SetLimit bounds how many goroutines of the group run at once. Call it before Go.
func (g *ErrGroup) SetLimit(n int) { g.group.SetLimit(n) }

// Go calls f in a goroutine of the group, once the limit allows it.
func (g *ErrGroup) Go(ctx context.Context, f func() error) {
	g.group.Go(func() error { return Catch(ctx, f) })
}

// Wait returns when all goroutines of the group have ended. It returns the first error. A panic counts as a *PanicError.
func (g *ErrGroup) Wait() error { return g.group.Wait() }
