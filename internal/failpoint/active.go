//go:build failpoints

package failpoint

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
)

// Enabled reports whether failpoints are compiled in.
const Enabled = true

// Set has the armed failpoints by name, and the action of each. Its methods may be called at any time by any
// goroutine. If a failpoint is armed again, the new action replaces the old one.
type Set struct {
	mu     sync.Mutex
	points map[string]*point
}

type point struct {
	hits   int
	action func(ctx context.Context, hit int) // nil: hits are only counted
}

type contextKey struct{}

// With returns a context in which the failpoints of set are armed. They replace all failpoints of ctx; a nil set arms
// none.
func With(ctx context.Context, set *Set) context.Context {
	return context.WithValue(ctx, contextKey{}, set)
}

// Hit runs the action that is armed for name in ctx, in the caller's goroutine, and returns when the action ends.
func Hit(ctx context.Context, name string) {
	set, _ := ctx.Value(contextKey{}).(*Set)
	if set == nil {
		return
	}
	set.mu.Lock()
	p := set.at(name)
	p.hits++
	hit, action := p.hits, p.action
	set.mu.Unlock()
	if action != nil {
		action(ctx, hit)
	}
}

// at returns the point with this name, and creates it if necessary. The caller must hold mu.
func (s *Set) at(name string) *point {
	if s.points == nil {
		s.points = map[string]*point{}
	}
	p := s.points[name]
	if p == nil {
		p = &point{}
		s.points[name] = p
	}
	return p
}

func (s *Set) arm(name string, action func(ctx context.Context, hit int)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.at(name)
	p.hits, p.action = 0, action
}

// Hits returns how often name was hit since it was last armed, or since the Set was created if it was never armed.
func (s *Set) Hits(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at(name).hits
}

// Func calls fn at every hit of name, with the context of the hit.
func (s *Set) Func(name string, fn func(ctx context.Context)) {
	s.arm(name, func(ctx context.Context, _ int) { fn(ctx) })
}

// Pause makes every goroutine that hits name wait until Release is called, or until the context of the hit is done.
func (s *Set) Pause(name string) *Pause {
	p := &Pause{reached: make(chan struct{}), released: make(chan struct{})}
	s.Func(name, p.hold)
	return p
}

// Kill sends SIGKILL to this process at the n-th hit of name, counted from 1. The process ends without any clean-up.
func (s *Set) Kill(name string, n int) { s.once(name, n, killSelf) }

// once runs action at the n-th hit of name.
func (s *Set) once(name string, n int, action func()) {
	s.arm(name, func(_ context.Context, hit int) {
		if hit == n {
			action()
		}
	})
}

// Pause is a failpoint at which goroutines wait.
type Pause struct {
	reached, released chan struct{}
	reach, release    sync.Once
}

// Reached is closed when the first goroutine arrives.
func (p *Pause) Reached() <-chan struct{} { return p.reached }

// Release lets all waiting goroutines continue, and those that arrive later. It may be called several times.
func (p *Pause) Release() { p.release.Do(func() { close(p.released) }) }

func (p *Pause) hold(ctx context.Context) {
	p.reach.Do(func() { close(p.reached) })
	select {
	case <-p.released:
	case <-ctx.Done():
	}
}

func killSelf() {
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Kill()
	}
	if err != nil {
		panic("failpoint: cannot kill this process: " + err.Error())
	}
	select {} // SIGKILL ends the process here
}

// FromEnv reads [Variable] from environ (entries "NAME=value"), for processes under test. It returns nil if the variable is not set.
func FromEnv(environ []string) (*Set, error) {
	for _, entry := range environ {
		if spec, ok := strings.CutPrefix(entry, Variable+"="); ok && strings.TrimSpace(spec) != "" {
			return Parse(spec)
		}
	}
	return nil, nil
}

// exitStatus is not used by legwork's own exits or by the Go runtime.
const exitStatus = 3

// Parse parses a comma-separated list of name=action:n. The action runs at the n-th hit of the failpoint; the default of n is 1. Actions:
//
//   - kill: send SIGKILL to this process;
//   - exit: exit with status 3, without clean-up in Go code;
//   - panic: panic in the goroutine that hits the failpoint.
func Parse(spec string) (*Set, error) {
	set := &Set{}
	for item := range strings.SplitSeq(spec, ",") {
		name, rest, _ := strings.Cut(strings.TrimSpace(item), "=")
		verb, count, counted := strings.Cut(rest, ":")
		n := 1
		if counted {
			var err error
			if n, err = strconv.Atoi(count); err != nil || n < 1 {
				return nil, wrong(item, "count hits from 1")
			}
		}
		if name == "" {
			return nil, wrong(item, "name the failpoint")
		}
		switch verb {
		case "kill":
			set.Kill(name, n)
		case "exit":
			set.once(name, n, func() { os.Exit(exitStatus) })
		case "panic":
			set.once(name, n, func() { panic("failpoint " + name) })
		default:
			return nil, wrong(item, "the action is kill, exit or panic")
		}
	}
	return set, nil
}

func wrong(item, what string) error {
	return fmt.Errorf("%s: %q is not name=action:n: %s", Variable, item, what)
}
