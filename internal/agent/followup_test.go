package agent

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"legwork/internal/research"
	"legwork/internal/testsite"
)

// remove deletes a finished task.
func (j *work) remove() {
	j.t.Helper()
	j.must(j.store.InTx(j.t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		if _, err := j.store.Worker().LockHead(ctx, tx, j.task.ID); err != nil {
			return err
		}
		return j.store.For(research.DefaultAccount).DeleteTask(ctx, tx, j.task.ID)
	}))
}

func (j *work) sound(t *testing.T) research.Task {
	t.Helper()
	task := j.finished()
	require.Equal(t, research.Completed, task.Status)
	require.NotEmpty(t, task.Citations)
	for _, c := range task.Citations {
		p, err := j.store.For(research.DefaultAccount).Page(t.Context(), c.PageID)
		require.NoError(t, err)
		require.Equal(t, string([]rune(p.Text)[c.Start:c.End]), c.Excerpt)
	}
	findings, err := j.store.Worker().Audit(t.Context())
	require.NoError(t, err)
	for _, f := range findings { // jobs are not made here
		require.NotContains(t, f.Rule, "citation", f.Detail)
	}
	return task
}

// TestFollowUps: a chain of three. Each begins with question, answer and evidence of the one before, needs no quote of its
// own, and keeps its citations when the others are deleted.
func TestFollowUps(t *testing.T) {
	t.Parallel()
	var a *asking
	a = newAsking(t, func(n int, r testsite.ModelRequest) testsite.Turn {
		switch {
		case len(r.Tools()) == 0 && strings.Contains(r.Raw, "kettle networked"):
			return testsite.Turn{Text: "Yes, it is networked [1]."}
		case len(r.Tools()) == 0 && strings.Contains(r.Raw, "And then"):
			return testsite.Turn{Text: "So says its manual [1]."}
		case len(r.Tools()) == 0:
			return testsite.Turn{Text: "It is a kettle [1]."}
		case n == 0:
			return turn(call("cite", "url", a.site.URL("/index.html"), "quote", "This manual describes the Aurora networked kettle"))
		}
		return testsite.Turn{Text: "DONE"}
	})
	a.answered(t)
	first := a.work
	parent := first.sound(t)
	o := options()
	a.work = a.follow(&parent, "Is that kettle networked?", o)
	res := a.answered(t)
	require.Equal(t, "Yes, it is networked [1].", res.Answer)
	require.Equal(t, 0, res.Metadata["pagesRead"])
	second := a.work
	child := second.sound(t)
	require.Zero(t, child.Usage.Pages, "what the parent read was not read again")
	asked := a.server.Requests()[3].Raw
	for _, want := range []string{kettle, "It is a kettle [1].", "This manual describes the Aurora networked kettle", "This is a follow-up"} {
		require.Contains(t, asked, want)
	}
	a.work = a.follow(&child, "And then?", o)
	a.answered(t)
	third := a.work
	require.Contains(t, fmt.Sprint(a.server.Requests()[5].Messages()), kettle, "the whole chain of questions is told")
	first.remove()
	second.remove()
	require.Equal(t, parent.Citations[0].Excerpt, third.sound(t).Citations[0].Excerpt)
}

// TestReaderFollowsUp: a question that names nothing is understood by its parent's, and its pages are read again.
func TestReaderFollowsUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	site := testsite.Start(t)
	o := options()
	o.SeedURL = site.URL("/index.html")
	first := w.submit("What does boil_temperature mean on the Aurora kettle?", o)
	_, err := first.run(t.Context())
	require.NoError(t, err)
	parent := first.sound(t)
	o.SeedURL = ""
	second := w.follow(&parent, "What is its default?", o)
	_, err = second.run(t.Context())
	require.NoError(t, err)
	task := second.sound(t)
	require.Contains(t, *task.Answer, "100 degrees")
	first.remove()
	second.sound(t)
}
