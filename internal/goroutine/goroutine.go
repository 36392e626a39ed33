// Package goroutine starts the goroutines of research. A panic in a goroutine ends a Go process unless that same goroutine
// recovers it, and research reads what strangers wrote. Here every panic is recovered and reported to whoever the context
// names: the run it belongs to, which then fails, or a component that logs it.
//
// Invariants:
//
//   - No panic in a goroutine that was started here, or in a function that Catch called, ends the process.
//   - Every panic is reported once, with its stack.
//
// rule_test.go forbids every other way to start a goroutine in the packages of research.
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
	Value any    // what panic was called with
	Stack []byte // of the goroutine, as debug.Stack formats it
}

// Error implements error. It leaves out the stack.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Unwrap gives the value to errors.Is and errors.As where it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

type reportKey struct{}

// OnPanic returns a context under which panics are reported to report, which replaces that of ctx. report is called in the
// goroutine that panicked, so it must be safe for concurrent use, and must not panic.
func OnPanic(ctx context.Context, report func(*PanicError)) context.Context {
	return context.WithValue(ctx, reportKey{}, report)
}

// LogPanics is OnPanic for goroutines that belong to no run: a panic is logged, and that is all.
func LogPanics(ctx context.Context, log *slog.Logger) context.Context {
	return OnPanic(ctx, func(p *PanicError) { Log(ctx, log, p) })
}

// Log writes a panic with its stack to a log.
func Log(ctx context.Context, log *slog.Logger, p *PanicError) {
	log.ErrorContext(ctx, "a goroutine panicked", "panic", p.Value, "stack", string(p.Stack))
}

// Catch calls f. A panic of f is reported to whoever ctx names, and returned as a *PanicError.
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

// Call is Catch for a callback that returns nothing, which a library may call in a goroutine of its own.
func Call(ctx context.Context, f func()) {
	_ = Catch(ctx, func() error { f(); return nil })
}

// Go calls f in a goroutine. ctx says to whom a panic is reported; it does not end f.
func Go(ctx context.Context, f func()) {
	go Call(ctx, f)
}

// AfterFunc is [context.AfterFunc]: when ctx ends it calls f in a goroutine, whose panic is reported to whoever ctx names.
func AfterFunc(ctx context.Context, f func()) (stop func() bool) {
	return context.AfterFunc(ctx, func() { Call(ctx, f) })
}

// AfterDelay is [time.AfterFunc]: after d it calls f in a goroutine, whose panic is reported to whoever ctx names. The end of
// ctx does not stop the timer.
func AfterDelay(ctx context.Context, d time.Duration, f func()) *time.Timer {
	return time.AfterFunc(d, func() { Call(ctx, f) })
}

// Group is a sync.WaitGroup of such goroutines. The zero Group is ready.
type Group struct{ wg sync.WaitGroup }

// Go calls f in a goroutine of the group.
func (g *Group) Go(ctx context.Context, f func()) {
	g.wg.Go(func() { Call(ctx, f) })
}

// Wait returns when all goroutines of the group have ended, by a panic too.
func (g *Group) Wait() { g.wg.Wait() }

// ErrGroup is an [errgroup.Group] of such goroutines. The zero ErrGroup is ready and has no limit.
type ErrGroup struct{ group errgroup.Group }

// SetLimit bounds how many goroutines of the group run at once. Call it before Go.
func (g *ErrGroup) SetLimit(n int) { g.group.SetLimit(n) }

// Go calls f in a goroutine of the group, once the limit allows it.
func (g *ErrGroup) Go(ctx context.Context, f func() error) {
	g.group.Go(func() error { return Catch(ctx, f) })
}

// Wait returns when all goroutines of the group have ended, with the first error. A panic counts as a *PanicError.
func (g *ErrGroup) Wait() error { return g.group.Wait() }
