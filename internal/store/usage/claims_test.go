package usage_test

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/internal/dbtest"
	"legwork/internal/research"
	"legwork/internal/store"
	"legwork/internal/store/usage"
)

// queue has waiting tasks of one account without limits, each with a job of its own.
type queue struct {
	store.Worker
	usage *usage.Store
	t     *testing.T
	tasks []uuid.UUID // the task of job i has the index i-1
}

// newQueue makes n waiting tasks with the jobs 1 to n. A worker has fetched the first fetched jobs.
func newQueue(t *testing.T, n, fetched int) *queue {
	t.Helper()
	st := dbtest.New(t)
	q := &queue{Worker: st.Worker(), usage: counts(t, st), t: t}
	for i := range n {
		id := uuid.Must(uuid.NewV7())
		q.must(q.InTx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
			_, _, err := q.For(research.DefaultAccount).CreateTask(ctx, tx, id, question(), int64(i+1), dbtest.FirstEvent)
			return err
		}))
		q.tasks = append(q.tasks, id)
	}
	q.exec(`INSERT INTO river_job (id, args, kind, max_attempts, priority, queue, state, scheduled_at, attempted_at)
		SELECT i, '{}', 'research', 1, 2, 'research', CASE WHEN i <= $2 THEN 'running' ELSE 'available' END::river_job_state, now(), now()
		FROM generate_series(1, $1::int) i`, n, fetched)
	return q
}

func (q *queue) must(err error) {
	q.t.Helper()
	if err != nil {
		q.t.Fatal(err)
	}
}

func (q *queue) exec(sql string, args ...any) {
	q.t.Helper()
	_, err := q.Pool().Exec(q.t.Context(), sql, args...)
	q.must(err)
}

// end ends all tasks, so that the audit at the end of the test finds no waiting task without a living job.
func (q *queue) end() {
	q.t.Helper()
	for _, id := range q.tasks {
		q.must((&limitProcess{Worker: q.Worker, usage: q.usage, t: q.t}).end(q.t.Context(), id, research.Cancelled))
	}
}

// choose returns the task that runs in a job.
func (q *queue) choose(ctx context.Context, tx pgx.Tx, job int64) (uuid.UUID, error) {
	c, err := q.usage.ChooseTask(ctx, tx, job, research.Pin{Provider: "reader"}, usage.RunCost{})
	return c.TaskID, err
}

// TestClaimsDoNotExchangeFetchedJobs lets a worker claim with the last of the jobs that it has fetched first. The claim takes its
// own task, because the older tasks begin in the other jobs. Jobs that no worker has fetched are exchanged as before.
func TestClaimsDoNotExchangeFetchedJobs(t *testing.T) {
	t.Parallel()
	q := newQueue(t, 6, 3)
	defer q.end()
	q.must(q.InTx(t.Context(), func(ctx context.Context, last pgx.Tx) error {
		if id, err := q.choose(ctx, last, 3); err != nil || id != q.tasks[2] {
			t.Errorf("job 3 runs %s, want its own task %s: %v", id, q.tasks[2], err)
		}
		return q.InTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
			if id, err := q.choose(ctx, tx, 1); err != nil || id != q.tasks[0] {
				t.Errorf("job 1 runs %s, want its own task %s: %v", id, q.tasks[0], err)
			}
			return nil
		})
	}))
	q.exec("UPDATE river_job SET state = 'running' WHERE id = 6")
	q.must(q.InTx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		if id, err := q.choose(ctx, tx, 6); err != nil || id != q.tasks[3] {
			t.Errorf("job 6 runs %s, want the oldest task whose job no worker has fetched, %s: %v", id, q.tasks[3], err)
		}
		return nil
	}))
}

// TestJobKeepsATask lets other transactions exchange the jobs of tasks all the time. Each job always has a task, so no claim may
// say that it has none.
func TestJobKeepsATask(t *testing.T) {
	t.Parallel()
	const jobs = 4
	q := newQueue(t, jobs, jobs)
	defer q.end()
	ctx, stop := context.WithCancel(t.Context())
	var exchanging sync.WaitGroup
	for n := range 6 {
		r := rand.New(rand.NewPCG(uint64(n), 5))
		exchanging.Go(func() {
			for ctx.Err() == nil {
				one, other := q.tasks[r.IntN(jobs)], q.tasks[r.IntN(jobs)]
				err := q.InTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
					if _, err := q.LockHead(ctx, tx, one); err != nil {
						return err
					}
					// Like a claim, this waits for one lock only.
					tag, err := tx.Exec(ctx, "SELECT FROM task_heads WHERE task_id = $1 FOR UPDATE SKIP LOCKED", other)
					if err != nil || tag.RowsAffected() == 0 {
						return err
					}
					_, err = tx.Exec(ctx, `UPDATE task_heads h SET job_id = o.job_id FROM task_heads o
						WHERE h.task_id IN ($1, $2) AND o.task_id IN ($1, $2) AND o.task_id <> h.task_id`, one, other)
					return err
				})
				if err != nil && ctx.Err() == nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range 300 {
		err := q.InTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
			_, err := q.choose(ctx, tx, int64(i%jobs+1))
			return err
		})
		if err != nil {
			t.Errorf("claim %d: %v", i, err)
			break
		}
	}
	stop()
	exchanging.Wait()
}

// TestClaimReadsLittle counts the pages that a claim reads among thousands of waiting tasks and finished jobs. They must not
// grow with either.
func TestClaimReadsLittle(t *testing.T) {
	t.Parallel()
	q := newQueue(t, 1, 1)
	defer q.end()
	const tasks, most = 5000, 60
	q.exec(`INSERT INTO tasks (id, account_id, status, priority, question, max_depth, max_pages, time_budget, search_engine, max_results, safe_mode,
			same_domain_only, allow_external_links, allow_domains, deny_domains, request_metadata, created_at)
		SELECT gen_random_uuid(), account_id, status, priority, question, max_depth, max_pages, time_budget, search_engine, max_results, safe_mode,
			same_domain_only, allow_external_links, allow_domains, deny_domains, request_metadata, created_at + i * interval '1 ms'
		FROM tasks, generate_series(1, $1::int) i`, tasks)
	q.exec(`INSERT INTO task_heads (task_id, last_seq, job_id) SELECT id, 0, 1 + row_number() OVER () FROM tasks WHERE id <> $1`, q.tasks[0])
	q.exec(`INSERT INTO river_job (id, args, kind, max_attempts, priority, queue, state, scheduled_at, finalized_at)
		SELECT i, '{}', 'research', 1, 2, 'research', CASE WHEN i <= $1::int THEN 'available' ELSE 'completed' END::river_job_state, now(), CASE WHEN i > $1::int THEN now() END
		FROM generate_series(2, 4 * $1::int) i`, tasks)
	q.exec("ANALYZE")
	conn, err := q.Pool().Acquire(t.Context())
	q.must(err)
	defer conn.Release()
	var plan []byte
	for range 2 { // the first claim of a connection also plans the statements
		q.must(conn.QueryRow(t.Context(), `EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) SELECT * FROM choose_task(1, '{}', 'reader', 0, 0, 0)`).Scan(&plan))
	}
	var nodes []struct {
		Plan struct {
			Hit  int `json:"Shared Hit Blocks"`
			Read int `json:"Shared Read Blocks"`
			Rows int `json:"Actual Rows"`
		}
	}
	q.must(json.Unmarshal(plan, &nodes))
	if p := nodes[0].Plan; p.Rows != 1 || p.Hit+p.Read > most {
		t.Errorf("a claim returns %d rows and reads %d pages, want 1 and at most %d", p.Rows, p.Hit+p.Read, most)
	}
	q.exec("DELETE FROM tasks WHERE id <> $1", q.tasks[0])
}
