package limits_test

import (
	"context"
	"strings"
	"testing"

	"github.com/urfave/cli/v3"

	"legwork/cmd/legwork/limits"
	"legwork/internal/dbtest"
	"legwork/internal/store"
)

func TestCommand(t *testing.T) {
	t.Parallel()
	st := dbtest.New(t)
	run := func(args ...string) (string, error) {
		var out strings.Builder
		c := &cli.Command{Name: "legwork", Commands: []*cli.Command{limits.Command(&out, func(_ context.Context, do func(*store.Store) error) error { return do(st) })},
			ExitErrHandler: func(context.Context, *cli.Command, error) {}}
		err := c.Run(t.Context(), append([]string{"legwork", "limits"}, args...))
		return out.String(), err
	}
	out, err := run("show")
	if err != nil || !strings.Contains(out, "limits of the configuration") {
		t.Errorf("%v: %s", err, out)
	}
	if out, err = run("set", "tasksPerHour=5", "dollarsPerMonth=2.5"); err != nil || !strings.Contains(out, "tasksPerHour     5") || !strings.Contains(out, "2.5") {
		t.Errorf("%v: %s", err, out)
	}
	if out, err = run("set", "tasksPerHour=none"); err != nil || !strings.Contains(out, "tasksPerHour     none") || !strings.Contains(out, "2.5") {
		t.Errorf("%v: %s", err, out)
	}
	for _, args := range [][]string{{"set"}, {"set", "tasks=1"}, {"set", "tasksPerHour"}, {"set", "tasksPerHour=x"}, {"set", "tasksPerHour=-1"},
		{"set", "tasksPerHour=1.5"}, {"set", "tasksPerHour=NaN"}, {"set", "--account", "nobody", "tasksPerHour=1"}, {"set", "--key", "abcdefghijklmnop", "tasksPerHour=1"}} {
		if out, err := run(args...); err == nil {
			t.Errorf("%q was taken: %s", args, out)
		}
	}
}
