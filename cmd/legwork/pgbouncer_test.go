package main

import (
	"strings"
	"testing"

	"legwork/api"
	"legwork/internal/dbtest"
	"legwork/internal/testsite"
)

// pgBouncer starts a PgBouncer between w's processes and the database, and returns its URL and that of the database itself.
func (w *world) pgBouncer(settings ...string) (pooled, direct string) {
	w.t.Helper()
	direct = testsite.StartProxy(w.t, w.url).URL() // PgBouncer may not be allowed to use the server's Unix socket
	pooled, _ = dbtest.PgBouncer(w.t, direct, settings...)
	return pooled, direct
}

// TestPgBouncer runs an API process and a worker behind PgBouncer in transaction mode, in several forms. All must work: tasks, streams across processes, cancels, doctor.
func TestPgBouncer(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		pgbouncer string
		direct    bool
		says      string
	}{
		"polling":             {says: "streams and queues poll"},
		"with a direct URL":   {direct: true, says: "notifications arrive through DATABASE_DIRECT_URL"},
		"parameters ignored":  {pgbouncer: "ignore_startup_parameters = statement_timeout, lock_timeout, idle_in_transaction_session_timeout", says: "streams and queues poll"},
		"few server sessions": {pgbouncer: "default_pool_size = 2", says: "streams and queues poll"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			pooled, direct := w.pgBouncer(tc.pgbouncer)
			env := settings(pooled, w.dir)
			if tc.direct {
				env = append(env, "DATABASE_DIRECT_URL="+direct)
			}
			front := w.start(env, "serve", "--role", "api")
			c := w.api(front)
			w.line(front, tc.says)
			worker := w.start(env, "worker")
			w.line(worker, "legwork starts")
			for range 5 {
				task := w.ask(c, nil)
				if done := w.await(c, task.TaskID); done.Status != api.StatusCompleted || len(done.Citations) == 0 {
					t.Errorf("ended %s: %v", done.Status, done.Error)
				}
			}
			release := w.site.Hold(heldPage)
			defer release()
			task := w.ask(c, nil)
			eventually(t, "the run is in the middle", func() bool { return w.get(c, task.TaskID).Status == api.StatusRunning })
			if err := c.do(w.ctx(), "POST", "/api/tasks/"+task.TaskID+"/cancel", map[string]any{}, nil); err != nil {
				t.Error(err)
			}
			if done := w.await(c, task.TaskID); done.Status != api.StatusCancelled {
				t.Errorf("ended %s", done.Status)
			}
			doctor := w.start(env, "doctor")
			w.wait(doctor)
			if out := doctor.out.String(); !strings.Contains(out, "pooler") || !strings.Contains(out, "PgBouncer") || doctor.err != nil {
				t.Errorf("doctor: %v: %s", doctor.err, out)
			}
			for _, p := range []*process{front, worker} {
				w.stop(p)
				if log := p.errs.String(); strings.Contains(log, "level=ERROR") || strings.Contains(log, "prepared statement") {
					t.Errorf("the log has errors: %s", log)
				}
			}
		})
	}
}
