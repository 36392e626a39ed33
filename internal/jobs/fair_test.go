//go:build failpoints

package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"legwork/internal/agent"
	"legwork/internal/research"
	"legwork/internal/store/identities"
	"legwork/internal/store/usage"
)

// account adds an account.
func (p *process) account(id string) string {
	p.t.Helper()
	if _, err := p.store.Pool().Exec(p.t.Context(), "INSERT INTO accounts (id) VALUES ($1) ON CONFLICT DO NOTHING", id); err != nil {
		p.t.Fatal(err)
	}
	return id
}

// limitKey sets the limits of an account, or of one of its keys if key is not empty.
func (p *process) limitKey(account, key string, l research.UsageLimits) {
	p.t.Helper()
	if err := identities.New(p.store.Store).SetLimits(p.t.Context(), identities.Actor{Kind: identities.BySystem}, account, key, l); err != nil {
		p.t.Fatal(err)
	}
}

// limit sets the limits of an account.
func (p *process) limit(account string, l research.UsageLimits) {
	p.t.Helper()
	p.limitKey(account, "", l)
}

func (p *process) submitAs(account string, priority research.Priority, question string) research.Task {
	p.t.Helper()
	task, err := p.Submit(p.t.Context(), account, research.NewTask{Question: question, Priority: priority,
		Options: research.Options{MaxDepth: 3, MaxPages: 20, TimeBudget: waitLimit, SearchEngine: research.Library, MaxResults: 10}})
	if err != nil {
		p.t.Fatal(err)
	}
	return task
}

// gate is an agent that reports the question of each task that begins. Each run ends when the test calls release.
type gate struct {
	began chan string // receives the question of each run that begins
	end   chan struct{}
}

func newGate() *gate { return &gate{began: make(chan string, 1000), end: make(chan struct{})} }

func (g *gate) run(ctx context.Context, env agent.Env) (research.Result, error) {
	g.began <- env.Task.Question
	select {
	case <-g.end:
		return research.Result{Answer: "done", Metadata: map[string]any{}}, nil
	case <-ctx.Done():
		return research.Result{}, ctx.Err()
	}
}

// next waits until a task begins, and returns its question.
func (g *gate) next(t *testing.T) string {
	t.Helper()
	select {
	case q := <-g.began:
		return q
	case <-time.After(waitLimit):
		t.Fatal("no task begins")
		return ""
	}
}

func (g *gate) nextOnes(t *testing.T, n int) []string {
	t.Helper()
	var out []string
	for range n {
		out = append(out, g.next(t))
	}
	slices.Sort(out)
	return out
}

// release ends one run.
func (g *gate) release(t *testing.T) {
	t.Helper()
	select {
	case g.end <- struct{}{}:
	case <-time.After(waitLimit):
		t.Fatal("no task runs")
	}
}

// limitError returns err as a *research.LimitError. It fails the test when err is another error.
func limitError(t *testing.T, err error) *research.LimitError {
	t.Helper()
	var limit *research.LimitError
	if !errors.As(err, &limit) {
		t.Errorf("no refusal by a limit: %v", err)
		return &research.LimitError{}
	}
	return limit
}

// TestAccountsTakeTurns checks that a thousand waiting tasks of one account do not delay the one task of another account
// by more than one run, and that the tasks of an account begin in the order of their submission.
func TestAccountsTakeTurns(t *testing.T) {
	p := setup(t)
	busy, calm := p.account("busy"), p.account("calm")
	const many = 1000
	var submitting sync.WaitGroup
	for worker := range 4 {
		submitting.Go(func() {
			for i := range many / 4 {
				p.submitAs(busy, research.Normal, fmt.Sprintf("busy %d", worker*many/4+i))
			}
		})
	}
	submitting.Wait()
	var order []string
	rows, err := p.store.Pool().Query(t.Context(), "SELECT question FROM tasks ORDER BY created_at, id")
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		var q string
		if err := rows.Scan(&q); err != nil {
			t.Fatal(err)
		}
		order = append(order, q)
	}
	g := newGate()
	for range 3 {
		p.other().work(g.run, oneSlot)
	}
	first := slices.Sorted(slices.Values(order[:3]))
	if got := g.nextOnes(t, 3); !slices.Equal(got, first) {
		t.Errorf("first %q, want %q", got, first)
	}
	p.submitAs(calm, research.Normal, "calm")
	g.release(t)
	if got := g.next(t); got != "calm" {
		t.Errorf("%q begins in the first slot that is free, not the task of the other account", got)
	}
	for i := range 5 {
		g.release(t) // ends a run of either account: only the busy account has waiting tasks now
		if got := g.next(t); got != order[3+i] {
			t.Errorf("%q begins, want %q", got, order[3+i])
		}
	}
	if n := p.count("SELECT count(*) FROM task_heads h JOIN tasks t ON t.id = h.task_id JOIN river_job j ON j.id = h.job_id WHERE t.status = 'queued' OR t.status = 'created'"); n < many-10 {
		t.Errorf("%d waiting tasks have a job", n)
	}
}

// TestPriorityBeforeFairness checks that a task of a higher priority begins first, however many tasks its account runs.
func TestPriorityBeforeFairness(t *testing.T) {
	p := setup(t)
	busy, calm := p.account("busy"), p.account("calm")
	g := newGate()
	p.submitAs(busy, research.Normal, "running")
	p.work(g.run, oneSlot)
	g.next(t)
	p.submitAs(calm, research.Low, "calm low")
	p.submitAs(calm, research.Normal, "calm")
	p.submitAs(busy, research.Low, "busy low")
	p.submitAs(busy, research.High, "busy high")
	for _, want := range []string{"busy high", "calm", "busy low", "calm low"} {
		g.release(t)
		if got := g.next(t); got != want && (want == "busy high" || want == "calm") {
			t.Errorf("%q begins, want %q", got, want)
		}
	}
	g.release(t)
}

// TestConcurrentRuns checks that no more tasks of an account or of a key run at once than its limit allows. Further
// tasks wait without using up a try, and begin when there is room. They do not delay tasks of other accounts.
func TestConcurrentRuns(t *testing.T) {
	for name, byKey := range map[string]bool{"of an account": false, "of a key": true} {
		t.Run(name, func(t *testing.T) {
			p := setup(t)
			busy, calm := p.account("busy"), p.account("calm")
			two := int64(2)
			key := ""
			if byKey {
				key = "abcdefghijklmnop"
				if _, err := p.store.Pool().Exec(t.Context(), `INSERT INTO api_keys (id, account_id, name, secret_hash, scopes)
					VALUES ($1, $2, 'k', sha256('x'), '{admin}')`, key, busy); err != nil {
					t.Fatal(err)
				}
			}
			p.limitKey(busy, key, research.UsageLimits{ConcurrentRuns: &two})
			var ids []uuid.UUID
			for i := range 6 {
				task, err := p.Submit(t.Context(), busy, research.NewTask{Question: fmt.Sprint("busy ", i), Priority: research.Normal, By: research.Author{KeyID: key},
					Options: research.Options{MaxDepth: 3, MaxPages: 20, TimeBudget: waitLimit, SearchEngine: research.Library, MaxResults: 10}})
				if err != nil {
					t.Fatal(err)
				}
				ids = append(ids, task.ID)
			}
			g := newGate()
			p.work(g.run)
			p.other().work(g.run)
			if got := g.nextOnes(t, 2); !slices.Equal(got, []string{"busy 0", "busy 1"}) {
				t.Errorf("first %q", got)
			}
			p.eventually("the others are held", func() bool { return p.count("SELECT count(*) FROM tasks WHERE held") == 4 })
			p.submitAs(calm, research.Low, "calm")
			if got := g.next(t); got != "calm" {
				t.Errorf("%q begins", got)
			}
			for range 7 { // each run that ends makes room for another one
				g.release(t)
				if n := p.count("SELECT count(*) FROM tasks WHERE status = 'running' AND account_id = 'busy'"); n > 2 {
					t.Errorf("%d run", n)
				}
			}
			reason := map[bool]usage.HoldReason{false: usage.AccountFull, true: usage.KeyFull}[byKey]
			if n := p.count(fmt.Sprintf("SELECT count(*) FROM task_events WHERE body -> 'metadata' ->> 'heldBecause' = '%s'", reason)); n != 4 {
				t.Errorf("%d tasks say that they were held because of %s, want each of the four once", n, reason)
			}
			for _, id := range ids {
				p.frames(id)
				task, err := p.store.For(busy).Task(t.Context(), id)
				if err != nil || task.Status != research.Completed || task.Try != 1 {
					t.Errorf("%v: %+v", err, task)
				}
			}
			if n := p.count("SELECT count(*) FROM runs WHERE ended_at IS NULL OR epoch > 1"); n != 0 {
				t.Errorf("%d runs are open or were made in vain", n)
			}
		})
	}
}

// TestHeldTaskIsCancelled checks that a task that waits without a job can be cancelled like any other.
func TestHeldTaskIsCancelled(t *testing.T) {
	p := setup(t)
	none := int64(0)
	p.limit(research.DefaultAccount, research.UsageLimits{ConcurrentRuns: &none})
	p.work(newGate().run)
	task := p.submit("q")
	p.eventually("it is held", func() bool { return p.count("SELECT count(*) FROM tasks WHERE held") == 1 })
	if ended, err := p.Cancel(t.Context(), research.DefaultAccount, task.ID, ""); err != nil || ended.Status != research.Cancelled {
		t.Errorf("%v: %+v", err, ended)
	}
}

// TestLimitIsRaised checks that held tasks begin when the limit of their account is raised.
func TestLimitIsRaised(t *testing.T) {
	p := setup(t)
	none := int64(0)
	p.limit(research.DefaultAccount, research.UsageLimits{ConcurrentRuns: &none})
	s := &script{steps: 1}
	p.work(s.run)
	var tasks []research.Task
	for i := range 4 {
		tasks = append(tasks, p.submit(fmt.Sprint("q", i)))
	}
	p.eventually("all are held", func() bool { return p.count("SELECT count(*) FROM tasks WHERE held") == 4 })
	p.limit(research.DefaultAccount, research.UsageLimits{})
	for _, task := range tasks {
		if done := p.await(task.ID); done.Status != research.Completed {
			t.Errorf("%+v", done)
		}
	}
}

// reading returns an agent that opens as many pages as its options allow, and uses tokens.
func reading(tokens int64) Agent {
	return func(ctx context.Context, env agent.Env) (research.Result, error) {
		for turn := 1; turn <= env.Task.Options.MaxPages; turn++ {
			_, err := env.Record(ctx, research.Step{Turn: turn, CallNo: 1, Try: env.Try, Kind: research.ToolStep, Tool: agent.ToolNavigate, Result: []byte("{}"), Success: true})
			if err != nil {
				return research.Result{}, err
			}
		}
		cost := float64(tokens) / 1e6
		_, err := env.Record(ctx, research.Step{Turn: 100, CallNo: 0, Try: env.Try, Kind: research.ModelStep, Result: []byte("{}"), Success: true, InputTokens: tokens, CostUSD: &cost})
		return research.Result{Answer: "done", Metadata: map[string]any{}}, err
	}
}

// TestPagesOfAMonth checks that a run may open only the pages that are left when it begins. When none are left, a
// waiting task fails with an error that says so, and a new submission is refused.
func TestPagesOfAMonth(t *testing.T) {
	p := setup(t)
	pages := int64(50)
	p.limit(research.DefaultAccount, research.UsageLimits{PagesPerMonth: &pages})
	var tasks []research.Task
	for i := range 4 { // each may open 20 pages
		tasks = append(tasks, p.submit(fmt.Sprint("q", i)))
	}
	p.work(reading(0))
	p.other().work(reading(0))
	outcomes := map[string]int{}
	for _, task := range tasks {
		done := p.await(task.ID)
		code := ""
		if done.ErrorCode != nil {
			code = *done.ErrorCode
		}
		outcomes[fmt.Sprint(done.Status, code, done.Usage.ToolCalls)]++
	}
	want := map[string]int{"completed20": 2, "completed10": 1, "failed" + research.CodeBudgetExhausted + "0": 1}
	for outcome, n := range want {
		if outcomes[outcome] != n {
			t.Fatalf("outcomes %v, want %v", outcomes, want)
		}
	}
	if n := p.count("SELECT count(*) FROM task_events WHERE body -> 'metadata' ->> 'heldBecause' <> 'budget_reserved'"); n != 0 {
		t.Errorf("%d tasks say that they were held for another reason than the budget", n)
	}
	_, err := p.Submit(t.Context(), research.DefaultAccount, research.NewTask{Question: "q", Priority: research.Normal})
	if limit := limitError(t, err); limit.Code != research.CodeBudgetExhausted || limit.Limit != 50 || limit.ResetsAt.Day() != 1 {
		t.Errorf("%+v", limit)
	}
	if err := p.usage.CountUsage(t.Context()); err != nil {
		t.Fatal(err)
	}
	used, err := p.usage.Used(t.Context(), research.DefaultAccount, "")
	if err != nil || used.Pages != 50 || used.PagesReserved != 0 || used.Runs != 0 {
		t.Errorf("%v: %+v", err, used)
	}
}

// TestTokensAndDollarsOfAMonth checks that a run may use only the tokens that it has reserved. The reservation includes
// a margin, because a run can exceed its token budget by a little.
func TestTokensAndDollarsOfAMonth(t *testing.T) {
	p := setup(t)
	tokens := int64(10_000)
	p.limit(research.DefaultAccount, research.UsageLimits{TokensPerMonth: &tokens})
	got := make(chan int64, 4)
	tell := func(ctx context.Context, env agent.Env) (research.Result, error) {
		got <- env.Task.Options.MaxTokens
		return reading(min(env.Task.Options.MaxTokens, 3000))(ctx, env)
	}
	p.work(tell, oneSlot, func(c *RunnerConfig) {
		c.Pin, c.Cost = pinOne, usage.RunCost{MaxTokens: 5000, TokenMargin: 500, Price: 2_000_000}
	})
	for _, want := range []int64{5000, 5000, 3500} { // 10,000, 7,000 and 4,000 tokens are left before these runs
		p.await(p.submit("q").ID)
		if most := <-got; want == 5000 && most != 0 && most != 5000 || want < 5000 && most != want {
			t.Errorf("a run may use %d tokens, want %d", most, want)
		}
	}
	if done := p.await(p.submit("q").ID); done.ErrorCode == nil || *done.ErrorCode != research.CodeBudgetExhausted {
		t.Errorf("1,000 are left, less than a run needs: %+v", done)
	}
	micro := int64(9_000 + 6_000)
	p.limit(research.DefaultAccount, research.UsageLimits{MicrodollarsPerMonth: &micro}) // 9,000 microdollars are used: 3 × 3,000 tokens at a dollar for a million
	p.await(p.submit("q").ID)
	if most := <-got; most != 2500 { // 6,000 microdollars pay for 3,000 tokens at two dollars for a million, and 500 of them are the margin
		t.Errorf("a run may use %d tokens for its dollars", most)
	}
}

// TestSubmissionsOfAnHour checks that exactly as many submissions are accepted as the limits allow, whether they come at
// once or one by one. Deleting a task does not allow another submission.
func TestSubmissionsOfAnHour(t *testing.T) {
	p := setup(t)
	hour, day := int64(10), int64(15)
	p.submit("before there was a limit")
	p.limit(research.DefaultAccount, research.UsageLimits{TasksPerHour: &hour, TasksPerDay: &day})
	var taken, refused int
	var mu sync.Mutex
	var group sync.WaitGroup
	for range 4 {
		q := p.other()
		group.Go(func() {
			for range 5 {
				task, err := q.Submit(t.Context(), research.DefaultAccount, research.NewTask{Question: "q", Priority: research.Normal,
					Options: research.Options{MaxDepth: 3, MaxPages: 20, TimeBudget: waitLimit, SearchEngine: research.Library, MaxResults: 10}})
				mu.Lock()
				if err == nil {
					taken++
				} else if l := limitError(t, err); l.Code == research.CodeRateLimited && l.Limit == 10 && l.ResetsAt.Minute() == 0 {
					refused++
				}
				mu.Unlock()
				if err == nil {
					if err := q.Delete(t.Context(), research.DefaultAccount, task.ID, ""); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	group.Wait()
	if taken != 9 || refused != 11 {
		t.Errorf("%d taken, %d refused", taken, refused)
	}
}

// TestLostRunGivesBack checks that the reservation of a lost run is free again after its successor has ended, and that
// the pages it opened are counted once.
func TestLostRunGivesBack(t *testing.T) {
	p := setup(t)
	pages := int64(30)
	p.limit(research.DefaultAccount, research.UsageLimits{PagesPerMonth: &pages})
	began := make(chan struct{}, 1)
	p.work(func(ctx context.Context, env agent.Env) (research.Result, error) {
		if len(env.Journal) > 0 {
			return research.Result{Answer: "done", Metadata: map[string]any{}}, nil
		}
		_, err := env.Record(ctx, research.Step{Turn: 1, CallNo: 1, Try: 1, Kind: research.ToolStep, Tool: agent.ToolNavigate, Result: []byte("{}"), Success: true})
		if err != nil {
			return research.Result{}, err
		}
		began <- struct{}{}
		<-ctx.Done()
		return research.Result{}, ctx.Err()
	})
	task := p.submit("q")
	wait(t, "the run", began)
	if used, err := p.usage.Used(t.Context(), research.DefaultAccount, ""); err != nil || used.PagesReserved != 20 || used.Pages != 0 {
		t.Errorf("%v: %+v", err, used)
	}
	p.handToNextRun(task.ID, 1) // as the reconciler would
	if done := p.await(task.ID); done.Status != research.Completed {
		t.Errorf("%+v", done)
	}
	if used, err := p.usage.Used(t.Context(), research.DefaultAccount, ""); err != nil || used.PagesReserved != 0 || used.Pages != 1 {
		t.Errorf("%v: %+v", err, used)
	}
}
