package usage_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/internal/dbtest"
	"legwork/internal/research"
	"legwork/internal/store"
	"legwork/internal/store/usage"
)

// errCrash rolls a transaction back, as a crash of the process would.
var errCrash = errors.New("the process ends before the commit")

// limitedAccounts are accounts that have limits of each kind. limitedKey is a key of the account second.
var limitedAccounts = []string{"first", "second", "third"}

const limitedKey = "abcdefghijklmnop"

// openRun is a run that a process of the property test holds.
type openRun struct {
	id            uuid.UUID
	epoch, turn   int
	pages, tokens int64 // what is left of the run's reservation; -1 means no limit
}

// limitProcess is one of the processes of the property test, with a store of its own.
type limitProcess struct {
	store.Worker
	usage *usage.Store
	t     *testing.T
	rand  *rand.Rand
	runs  []openRun
	*limitWorld
}

func counts(t *testing.T, st *store.Store) *usage.Store {
	t.Helper()
	u, err := usage.New(st)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// question returns a task that asks for a model.
func question() research.NewTask {
	return research.NewTask{Question: "q", Priority: research.Normal, Options: research.Options{
		MaxDepth: 3, MaxPages: 20, TimeBudget: time.Minute, SearchEngine: research.Library, MaxResults: 10}}
}

// limitWorld is what the processes share besides the database: the waiting jobs, as River would have them.
type limitWorld struct {
	mu      sync.Mutex
	jobs    []int64
	lastJob int64
	tasks   []uuid.UUID
	refused atomic.Int64
	granted atomic.Int64
	held    atomic.Int64
}

func (w *limitWorld) newJob() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lastJob++
	return w.lastJob
}

func (w *limitWorld) offer(job int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.jobs = append(w.jobs, job)
}

func (p *limitProcess) takeJob() (int64, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.jobs) == 0 {
		return 0, false
	}
	i := p.rand.IntN(len(p.jobs))
	job := p.jobs[i]
	p.jobs[i] = p.jobs[len(p.jobs)-1]
	p.jobs = p.jobs[:len(p.jobs)-1]
	return job, true
}

// TestLimitsHold lets three processes submit, claim, work, end, lose, hand back, cancel and crash in any order. No
// account or key may ever exceed a limit, counting what it has used and reserved, runs now and has submitted. In the end
// nothing may be reserved, and everything must have been counted once.
func TestLimitsHold(t *testing.T) {
	t.Parallel()
	operations := 1000
	if n, err := strconv.Atoi(os.Getenv("LEGWORK_TEST_LIMIT_OPERATIONS")); err == nil {
		operations = n
	}
	url := dbtest.URL(t)
	first := dbtest.Open(t, url)
	ctx := t.Context()
	exec := func(sql string, args ...any) {
		t.Helper()
		if _, err := first.Pool().Exec(ctx, sql, args...); err != nil {
			t.Fatal(err)
		}
	}
	for _, account := range limitedAccounts {
		exec("INSERT INTO accounts (id) VALUES ($1)", account)
	}
	exec(`INSERT INTO api_keys (id, account_id, name, secret_hash, scopes) VALUES ($1, 'second', 'k', sha256('x'), '{admin}')`, limitedKey)
	exec(`INSERT INTO usage_limits (account_id, key_id, tasks_per_hour, concurrent_runs, pages_per_month, tokens_per_month, microdollars_per_month) VALUES
		('first', '', $1, 3, $2, 1000000, NULL), ('second', '', NULL, 5, NULL, $3, $3), ('second', $4, NULL, 2, $2, NULL, NULL), ('third', '', NULL, NULL, NULL, NULL, NULL)`,
		operations/12, operations/15, operations*40, limitedKey)
	world := &limitWorld{}
	var checking sync.WaitGroup
	checkCtx, stop := context.WithCancel(ctx)
	checking.Go(func() {
		for checkCtx.Err() == nil {
			checkLimits(checkCtx, t, first)
		}
	})
	var working sync.WaitGroup
	for n := range 3 {
		st := dbtest.Open(t, url)
		p := &limitProcess{Worker: st.Worker(), usage: counts(t, st), t: t, rand: rand.New(rand.NewPCG(uint64(n), 7)), limitWorld: world}
		working.Go(func() {
			for range operations {
				if err := p.operate(ctx); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	working.Wait()
	stop()
	checking.Wait()
	p := &limitProcess{Worker: first.Worker(), usage: counts(t, first), t: t, limitWorld: world}
	for _, id := range world.tasks {
		if err := p.end(ctx, id, research.Cancelled); err != nil {
			t.Fatal(err)
		}
	}
	checkLimits(ctx, t, first)
	if err := p.usage.CountUsage(ctx); err != nil {
		t.Fatal(err)
	}
	checkAllCounted(ctx, t, first)
	t.Logf("%d runs granted, %d tasks held, %d submissions refused", world.granted.Load(), world.held.Load(), world.refused.Load())
	if world.granted.Load() == 0 || world.held.Load() == 0 || world.refused.Load() == 0 {
		t.Error("the test did not come to its limits")
	}
}

// operate does one random operation.
func (p *limitProcess) operate(ctx context.Context) error {
	switch n := p.rand.IntN(20); {
	case n < 4:
		return p.submit(ctx)
	case n < 9:
		return p.claimNext(ctx)
	case n < 13:
		return p.step(ctx)
	case n < 16:
		return p.leave(ctx)
	case n < 17:
		return p.cancelAny(ctx)
	default:
		return p.release(ctx)
	}
}

func (p *limitProcess) submit(ctx context.Context) error {
	account, in := limitedAccounts[p.rand.IntN(3)], question()
	in.Options.MaxPages = 1 + p.rand.IntN(20)
	if account == "second" && p.rand.IntN(2) == 0 {
		in.By.KeyID = limitedKey
	}
	id, job := uuid.Must(uuid.NewV7()), p.newJob()
	err := p.InTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := p.usage.Admit(ctx, tx, account, in.By.KeyID, 0); err != nil {
			return err
		}
		_, _, err := p.For(account).CreateTask(ctx, tx, id, in, job, dbtest.FirstEvent)
		if err == nil && p.rand.IntN(20) == 0 {
			err = errCrash
		}
		return err
	})
	var limit *research.LimitError
	switch {
	case errors.As(err, &limit):
		p.refused.Add(1)
		return nil
	case errors.Is(err, errCrash):
		return nil
	case err == nil:
		p.mu.Lock()
		p.tasks = append(p.tasks, id)
		p.mu.Unlock()
		p.offer(job)
	}
	return err
}

// claimNext chooses and claims a task with a job, as a worker does.
func (p *limitProcess) claimNext(ctx context.Context) error {
	job, ok := p.takeJob()
	if !ok {
		return nil
	}
	var c usage.Choice
	err := p.InTx(ctx, func(ctx context.Context, tx pgx.Tx) (err error) {
		pin := research.Pin{Provider: "openai", Model: "m", Prompt: "p"}
		c, err = p.usage.ChooseTask(ctx, tx, job, pin, usage.RunCost{MaxTokens: 3000, TokenMargin: 100, Price: 1_000_000})
		if err != nil || c.Held || c.Exhausted != "" {
			return err
		}
		if _, _, _, err = p.Claim(ctx, tx, c.TaskID, c.Epoch, uuid.New(), pin, c.Grant, nil); err == nil && p.rand.IntN(20) == 0 {
			err = errCrash
		}
		return err
	})
	switch {
	case errors.Is(err, errCrash):
		p.offer(job) // the job still belongs to the task
		return nil
	case errors.Is(err, research.ErrFenced): // the task was cancelled
		return nil
	case err != nil:
		return err
	case c.Held:
		p.held.Add(1)
		return nil
	case c.Exhausted != "":
		return p.end(ctx, c.TaskID, research.Failed)
	}
	p.granted.Add(1)
	run := openRun{id: c.TaskID, epoch: c.Epoch, pages: -1, tokens: -1, turn: c.Epoch * 1000}
	if c.Grant.Pages != nil {
		run.pages = *c.Grant.Pages
	}
	if c.Grant.Tokens != nil {
		run.tokens = *c.Grant.Tokens
	}
	p.runs = append(p.runs, run)
	return nil
}

// step makes one run use a part of what it has reserved: a page or some tokens.
func (p *limitProcess) step(ctx context.Context) error {
	if len(p.runs) == 0 {
		return nil
	}
	r := &p.runs[p.rand.IntN(len(p.runs))]
	r.turn++
	step := research.Step{Turn: r.turn, CallNo: 1, Try: 1, Kind: research.ToolStep, Tool: "navigate_to", Result: []byte("{}"), Success: true}
	switch {
	case p.rand.IntN(2) == 0 && r.pages != 0:
		r.pages--
	case r.tokens != 0:
		tokens := int64(1 + p.rand.IntN(2000))
		if r.tokens > 0 {
			tokens = min(tokens, r.tokens)
		}
		r.tokens -= tokens
		cost := float64(tokens) / 1e6
		step.Kind, step.Tool, step.InputTokens, step.OutputTokens, step.CostUSD = research.ModelStep, "", tokens/2, tokens-tokens/2, &cost
	default:
		return nil
	}
	_, _, err := p.RecordStep(ctx, nil, r.id, r.epoch, step)
	if errors.Is(err, research.ErrFenced) || errors.Is(err, research.ErrNotFound) {
		return nil
	}
	return err
}

// leave ends a run of this process, either with an answer or so that the task gets another run.
func (p *limitProcess) leave(ctx context.Context) error {
	if len(p.runs) == 0 {
		return nil
	}
	i := p.rand.IntN(len(p.runs))
	r := p.runs[i]
	p.runs[i] = p.runs[len(p.runs)-1]
	p.runs = p.runs[:len(p.runs)-1]
	outcome := []string{"", "", store.RunRetry, store.RunLost, store.RunHandedBack}[p.rand.IntN(5)]
	if outcome == "" {
		return p.end(ctx, r.id, research.Failed)
	}
	job := p.newJob()
	err := p.InTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		if _, _, err := p.Requeue(ctx, tx, r.id, r.epoch, 1, 0, outcome, nil); err != nil {
			return err
		}
		return p.SetJob(ctx, tx, r.id, job)
	})
	if errors.Is(err, research.ErrFenced) {
		return nil
	}
	p.offer(job)
	return err
}

func (p *limitProcess) cancelAny(ctx context.Context) error {
	p.mu.Lock()
	if len(p.tasks) == 0 {
		p.mu.Unlock()
		return nil
	}
	id := p.tasks[p.rand.IntN(len(p.tasks))]
	p.mu.Unlock()
	return p.end(ctx, id, research.Cancelled)
}

// end ends a task, unless it has ended.
func (p *limitProcess) end(ctx context.Context, id uuid.UUID, status research.Status) error {
	err := p.InTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		head, err := p.LockHead(ctx, tx, id)
		if err != nil {
			return err
		}
		task, err := p.TaskLocked(ctx, tx, id)
		if err != nil || task.Status.Terminal() {
			return err
		}
		f := &research.Failure{Code: research.CodeInternal, Message: "over"}
		_, err = p.EndTask(ctx, tx, id, head.Epoch, store.TaskEnd{Status: status, At: head.At, Failure: f,
			Event: func(float64) research.Event { return research.ErrorEvent(f.Code, f.Message, false, nil) }})
		return err
	})
	if errors.Is(err, research.ErrFenced) {
		return nil
	}
	return err
}

// release gives held tasks jobs again, as workers do.
func (p *limitProcess) release(ctx context.Context) error {
	ids, err := p.usage.HeldTasks(ctx)
	if err != nil {
		return err
	}
	for _, id := range ids {
		job := p.newJob()
		err := p.InTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
			if _, err := p.LockHead(ctx, tx, id); err != nil {
				return err
			}
			if _, _, err := p.usage.ReleaseTask(ctx, tx, id); err != nil {
				return err
			}
			return p.SetJob(ctx, tx, id, job)
		})
		switch {
		case err == nil:
			p.offer(job)
		case !errors.Is(err, research.ErrFenced):
			return err
		}
	}
	return nil
}

// checkLimits compares, in one snapshot, what every account and key uses, reserves, runs and submitted with its limits.
func checkLimits(ctx context.Context, t *testing.T, st *store.Store) {
	rows, err := st.Pool().Query(ctx, `
		SELECT l.account_id || ' ' || l.key_id, format('%s pages, %s tokens, %s microdollars used; %s, %s, %s reserved; %s runs; %s tasks',
		           u.pages, u.tokens, u.microdollars, o.pages, o.tokens, o.microdollars, o.runs, n.tasks)
		FROM usage_limits l, LATERAL used_this_month(l.account_id, l.key_id) u,
		     LATERAL (SELECT count(*) AS runs, coalesce(sum(r.reserved_pages), 0) AS pages, coalesce(sum(r.reserved_tokens), 0) AS tokens,
		                     coalesce(sum(r.reserved_microdollars), 0) AS microdollars
		              FROM tasks t JOIN runs r ON r.task_id = t.id AND r.ended_at IS NULL
		              WHERE t.account_id = l.account_id AND (l.key_id = '' OR t.created_by_key = l.key_id)) o,
		     LATERAL (SELECT count(*) AS tasks FROM tasks t WHERE t.account_id = l.account_id AND (l.key_id = '' OR t.created_by_key = l.key_id)
		              AND t.created_at >= date_trunc('hour', now(), 'UTC')) n
		WHERE u.pages + o.pages > l.pages_per_month OR u.tokens + o.tokens > l.tokens_per_month
		   OR u.microdollars + o.microdollars > l.microdollars_per_month OR o.runs > l.concurrent_runs OR n.tasks > l.tasks_per_hour`)
	if err != nil {
		if ctx.Err() == nil {
			t.Error(err)
		}
		return
	}
	defer rows.Close()
	for rows.Next() {
		var subject, what string
		if err := rows.Scan(&subject, &what); err == nil {
			t.Errorf("%s: %s", subject, what)
		}
	}
}

// checkAllCounted compares the counters with the journals of all tasks. It fails the test when anything is still
// reserved or held.
func checkAllCounted(ctx context.Context, t *testing.T, st *store.Store) {
	t.Helper()
	for _, subject := range [][2]string{{"first", ""}, {"second", ""}, {"third", ""}, {"second", limitedKey}} {
		used, err := counts(t, st).Used(ctx, subject[0], subject[1])
		if err != nil {
			t.Fatal(err)
		}
		var pages, tokens, microdollars int64
		err = st.Pool().QueryRow(ctx, `SELECT count(*) FILTER (WHERE s.tool = 'navigate_to'), coalesce(sum(s.input_tokens + s.output_tokens), 0)::bigint,
			coalesce(round(sum(s.cost_usd) * 1000000), 0)::bigint FROM steps s JOIN tasks t ON t.id = s.task_id
			WHERE t.account_id = $1 AND ($2 = '' OR t.created_by_key = $2)`, subject[0], subject[1]).Scan(&pages, &tokens, &microdollars)
		if err != nil {
			t.Fatal(err)
		}
		got, want := fmt.Sprint(used.Pages, used.Tokens, used.Microdollars, used.PagesReserved, used.TokensReserved, used.Runs), fmt.Sprint(pages, tokens, microdollars, 0, 0, 0)
		if got != want {
			t.Errorf("%v: counted %s, want %s", subject, got, want)
		}
	}
	var left int
	if err := st.Pool().QueryRow(ctx, "SELECT count(*) FROM tasks WHERE held OR held_since IS NOT NULL").Scan(&left); err != nil || left != 0 {
		t.Errorf("%v: %d tasks are held", err, left)
	}
}
