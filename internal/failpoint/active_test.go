//go:build failpoints

package failpoint

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const patience = 10 * time.Second

// TestMain hits failpoints if the environment arms any, so that one of them ends this process. Otherwise it runs the
// tests.
func TestMain(m *testing.M) {
	if os.Getenv(Variable) == "" {
		os.Exit(m.Run())
	}
	set, err := FromEnv(os.Environ())
	if err != nil {
		panic(err)
	}
	ctx := With(context.Background(), set)
	for range 3 {
		os.Stdout.WriteString("x")
		Hit(ctx, "other")
		Hit(ctx, "here")
	}
}

func arrived(t *testing.T, ch <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-ch:
	case <-time.After(patience):
		require.Fail(t, "did not happen: "+what)
	}
}

func open(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return false
	default:
		return true
	}
}

func TestUnarmed(t *testing.T) {
	t.Parallel()
	require.True(t, Enabled)
	Hit(t.Context(), "here")

	set := &Set{}
	called := false
	set.Func("elsewhere", func(context.Context) { called = true })
	Hit(With(t.Context(), set), "here")
	require.False(t, called)
	require.Equal(t, 1, set.Hits("here"))

	Hit(With(With(t.Context(), set), nil), "elsewhere")
	require.False(t, called, "a nil set disarms")
}

func TestFunc(t *testing.T) {
	t.Parallel()
	set := &Set{}
	ctx := With(t.Context(), set)
	type key struct{}
	var got []any
	set.Func("here", func(ctx context.Context) { got = append(got, ctx.Value(key{})) })
	Hit(context.WithValue(ctx, key{}, 1), "here")
	Hit(context.WithoutCancel(context.WithValue(ctx, key{}, 2)), "here")
	require.Equal(t, []any{1, 2}, got)
	require.Equal(t, 2, set.Hits("here"))

	set.Func("here", func(context.Context) {})
	require.Zero(t, set.Hits("here"), "arming starts the count anew")
	Hit(ctx, "here")
	require.Len(t, got, 2)
}

func TestFuncMayHit(t *testing.T) {
	t.Parallel()
	set := &Set{}
	set.Func("outer", func(ctx context.Context) { Hit(ctx, "inner") })
	Hit(With(t.Context(), set), "outer")
	require.Equal(t, 1, set.Hits("inner"))
}

func TestPause(t *testing.T) {
	t.Parallel()

	t.Run("until released, for all", func(t *testing.T) {
		t.Parallel()
		set := &Set{}
		pause := set.Pause("here")
		ctx := With(t.Context(), set)
		require.True(t, open(pause.Reached()))

		done := make(chan struct{})
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() { Hit(ctx, "here") })
		}
		go func() { group.Wait(); close(done) }()
		arrived(t, pause.Reached(), "a goroutine reaches the pause")
		require.Eventually(t, func() bool { return set.Hits("here") == 4 }, patience, time.Millisecond)
		require.True(t, open(done))
		pause.Release()
		pause.Release()
		arrived(t, done, "all go on")
		Hit(ctx, "here")
	})

	t.Run("until the context is done", func(t *testing.T) {
		t.Parallel()
		set := &Set{}
		pause := set.Pause("here")
		ctx, cancel := context.WithCancel(With(t.Context(), set))
		done := make(chan struct{})
		go func() { Hit(ctx, "here"); close(done) }()
		arrived(t, pause.Reached(), "the goroutine reaches the pause")
		require.True(t, open(done))
		cancel()
		arrived(t, done, "it goes on")
	})
}

// TestProcessEnds runs this test binary as a process that hits the failpoint named "here" three times and prints an x
// before each hit. It checks how the process ends, and after how many x.
func TestProcessEnds(t *testing.T) {
	t.Parallel()
	for spec, want := range map[string]struct {
		state, out string
	}{
		"here=kill":               {"signal: killed", "x"},
		"here=kill:2":             {"signal: killed", "xx"},
		"here=kill:4":             {"exit status 0", "xxx"},
		"here=exit:3":             {"exit status 3", "xxx"},
		"here=panic:2,other=kill": {"signal: killed", "x"},
		" here=panic:2 ":          {"exit status 2", "xx"},
		"nowhere=kill:1":          {"exit status 0", "xxx"},
	} {
		t.Run(spec, func(t *testing.T) {
			t.Parallel()
			var out, log strings.Builder
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Env = append(os.Environ(), Variable+"="+spec)
			cmd.Stdout, cmd.Stderr = &out, &log
			_ = cmd.Run()
			require.Equal(t, want.state, cmd.ProcessState.String(), log.String())
			require.Equal(t, want.out, out.String())
			require.Equal(t, strings.Contains(spec, "panic:2 "), strings.Contains(log.String(), "failpoint here"))
		})
	}
}

func TestFromEnv(t *testing.T) {
	t.Parallel()
	for _, environ := range [][]string{nil, {"PATH=/bin"}, {Variable + "="}, {Variable + "= "}, {"X" + Variable + "=here=kill"}} {
		set, err := FromEnv(environ)
		require.NoError(t, err)
		require.Nil(t, set)
		Hit(With(t.Context(), set), "here")
	}
	set, err := FromEnv([]string{"PATH=/bin", Variable + "=here=panic:2"})
	require.NoError(t, err)
	ctx := With(t.Context(), set)
	Hit(ctx, "here")
	require.PanicsWithValue(t, "failpoint here", func() { Hit(ctx, "here") })

	for spec, want := range map[string]string{
		"here":                   "the action is kill, exit or panic",
		"here=":                  "the action is",
		"here=sleep:1":           "the action is",
		"=kill":                  "name the failpoint",
		"here=kill:0":            "count hits from 1",
		"here=kill:-1":           "count hits from 1",
		"here=kill:":             "count hits from 1",
		"here=kill:x":            "count hits from 1",
		"here=kill:1,":           "name the failpoint",
		"here=kill:1 there=exit": "count hits from 1",
	} {
		_, err := FromEnv([]string{Variable + "=" + spec})
		require.ErrorContains(t, err, want, spec)
		require.ErrorContains(t, err, Variable, spec)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "a=kill:3,b=exit:2,c=panic", "a=kill:99999999999999999999", "=:,", "a==kill"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, spec string) {
		set, err := Parse(spec)
		require.Equal(t, err == nil, set != nil)
	})
}
