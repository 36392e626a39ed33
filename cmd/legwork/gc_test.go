package main

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/internal/dbtest"
	"legwork/internal/research"
)

// TestGarbageCollection removes an old task by the command gc, after a dry run.
func TestGarbageCollection(t *testing.T) {
	t.Parallel()
	st := dbtest.New(t)
	id := uuid.Must(uuid.NewV7())
	err := st.InTx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		_, _, err := st.For(research.DefaultAccount).CreateTask(ctx, tx, id, research.NewTask{Question: "q", Priority: research.Normal,
			Options: research.Options{MaxDepth: 1, MaxPages: 1, TimeBudget: 30e9, SearchEngine: research.Library, MaxResults: 1}}, 1, dbtest.FirstEvent)
		if err != nil {
			return err
		}
		if _, err := dbtest.EndTask(ctx, st, tx, id, 1, research.Result{}, &research.Failure{Code: research.CodeInternal, Message: "m"}); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "UPDATE tasks SET completed_at = now() - interval '8 days'")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	gc := func(days string, flags ...string) string {
		t.Helper()
		var out bytes.Buffer
		p := &program{out: &out, errOut: &out, environ: []string{
			"DATABASE_URL=" + st.URL(), "LEGWORK_HOME=" + dir, "RETENTION_DAYS=" + days}}
		if status := p.run(t.Context(), append([]string{"legwork", "gc"}, flags...)); status != 0 {
			t.Errorf("gc %v: status %d: %s", flags, status, out.String())
		}
		return out.String()
	}
	for _, c := range []struct {
		days  string
		flags []string
		want  string
	}{
		{"9", nil, "Removed 0 tasks"},
		{"0", nil, "RETENTION_DAYS=0 keeps tasks for ever"},
		{"7", []string{"--dry-run"}, "Would remove 1 tasks"},
		{"7", nil, "Removed 1 tasks"},
		{"7", nil, "Removed 0 tasks"},
	} {
		if got := gc(c.days, c.flags...); !strings.Contains(got, c.want) {
			t.Errorf("gc %v at %s days: %q, want %q", c.flags, c.days, got, c.want)
		}
	}
}
