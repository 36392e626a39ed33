//go:build failpoints

package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"legwork/internal/agent"
	"legwork/internal/deep"
	"legwork/internal/research"
	"legwork/internal/store"
)

// planner is an agent that plans deep tasks and answers their children. It counts how often it was asked for what.
type planner struct {
	questions []string                                       // of the first round
	more      []string                                       // of the second round; nil means that there is none
	child     func(ctx context.Context, env agent.Env) error // called before a child is answered; may be nil
	answer    func(env agent.Env) error                      // called before the answer of the deep task; may be nil
	mu        sync.Mutex
	calls     map[string]int
}

func (p *planner) count(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.calls == nil {
		p.calls = map[string]int{}
	}
	p.calls[what]++
}

func (p *planner) counted(what string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls[what]
}

// step makes one journaled call, unless the journal has it.
func (p *planner) step(ctx context.Context, env agent.Env, turn int, what string) error {
	for _, s := range env.Journal {
		if strings.Contains(string(s.Args), `"`+what+`"`) {
			return nil
		}
	}
	if err := env.Emit(ctx, research.ToolCall("find_in_page", map[string]any{"query": what}, nil)); err != nil {
		return err
	}
	p.count(env.Task.Question + ": " + what)
	_, err := env.Record(ctx, research.Step{Turn: turn, CallNo: 1, Kind: research.ToolStep, Tool: "find_in_page", Args: fmt.Appendf(nil, `{"query":%q}`, what),
		Result: []byte("{}"), Success: true, Events: []research.Event{research.ToolResult("find_in_page", map[string]any{"query": what}, true, nil)}})
	return err
}

func (p *planner) run(ctx context.Context, env agent.Env) (research.Result, error) {
	if env.Task.ChildOf != nil {
		for turn := 1; turn <= 2; turn++ {
			if err := p.step(ctx, env, turn, fmt.Sprint("step", turn)); err != nil {
				return research.Result{}, err
			}
		}
		if p.child != nil {
			if err := p.child(ctx, env); err != nil {
				return research.Result{}, err
			}
		}
		return research.Result{Answer: "answer to " + env.Task.Question, Confidence: 0.5}, nil
	}
	round := 0
	for _, c := range env.Children {
		round = max(round, c.Round)
		if !c.Status.Terminal() {
			return research.Result{}, fmt.Errorf("child %d is %s", c.Number, c.Status)
		}
	}
	if round == 0 {
		return research.Result{Plan: plan(1, p.questions)}, p.step(ctx, env, 1, "plan")
	}
	if round == 1 && p.more != nil {
		return research.Result{Plan: plan(2, p.more)}, nil
	}
	if p.answer != nil {
		if err := p.answer(env); err != nil {
			return research.Result{}, err
		}
	}
	var text []string
	for _, c := range env.Children {
		text = append(text, fmt.Sprintf("%d %s", c.Number, c.Status))
	}
	return research.Result{Answer: strings.Join(text, ", "), Confidence: 0.5}, nil
}

func plan(round int, questions []string) *research.Plan {
	p := &research.Plan{Round: round}
	for _, q := range questions {
		p.Subquestions = append(p.Subquestions, research.Subquestion{Question: q})
	}
	return p
}

func (p *process) submitDeep(change ...func(*research.Options)) research.Task {
	p.t.Helper()
	o := research.Options{Effort: research.Deep, MaxDepth: 3, MaxPages: 60, TimeBudget: 20 * time.Minute, SearchEngine: research.Library, MaxResults: 10}
	for _, c := range change {
		c(&o)
	}
	task, err := p.Submit(p.t.Context(), research.DefaultAccount, research.NewTask{Question: "deep", Priority: research.Normal, Options: o})
	if err != nil {
		p.t.Fatal(err)
	}
	return task
}

func (p *process) tree(id uuid.UUID) []research.TreeNode {
	p.t.Helper()
	nodes, err := p.Tree(p.t.Context(), research.DefaultAccount, id)
	if err != nil {
		p.t.Fatal(err)
	}
	return nodes
}

func (p *process) task(id uuid.UUID) research.Task {
	p.t.Helper()
	task, err := p.store.For(research.DefaultAccount).Task(p.t.Context(), id)
	if err != nil {
		p.t.Fatal(err)
	}
	return task
}

// TestDeepTaskWaitsWithoutASlot lets the only slot of the only worker do a whole tree. While the children run, the deep task
// has no run and no job. Its log has the events of the children, each child's in their order.
func TestDeepTaskWaitsWithoutASlot(t *testing.T) {
	p := setup(t)
	at, goOn := make(chan struct{}, 10), make(chan struct{})
	a := &planner{questions: []string{"one", "two", "three"}, more: []string{"four"}, child: func(ctx context.Context, _ agent.Env) error {
		at <- struct{}{}
		select {
		case <-goOn:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}}
	p.work(a.run, func(c *RunnerConfig) { c.Slots = 1 })
	task := p.submitDeep()
	wait(t, "the first child works", at)
	waiting := p.task(task.ID)
	if waiting.Status != research.Queued || waiting.WaitingFor != research.WaitingForChildren {
		t.Errorf("the deep task is %s and waits for %q", waiting.Status, waiting.WaitingFor)
	}
	if n := p.count("SELECT count(*) FROM runs WHERE task_id = $1 AND ended_at IS NULL", task.ID); n != 0 {
		t.Errorf("the deep task has %d open runs while its children run", n)
	}
	if n := p.count("SELECT count(*) FROM task_heads WHERE task_id = $1 AND job_id IS NULL AND owner IS NULL", task.ID); n != 1 {
		t.Error("the deep task has a job or an owner while its children run")
	}
	close(goOn)
	got := p.await(task.ID)
	if got.Status != research.Completed || *got.Answer != "1 completed, 2 completed, 3 completed, 4 completed" {
		t.Fatalf("the deep task is %s: %v %v", got.Status, got.Answer, got.Error)
	}
	if n := p.count("SELECT count(*) FROM runs WHERE task_id = $1", task.ID); n != 3 {
		t.Errorf("the deep task had %d runs, want one for each plan and one for the answer", n)
	}
	if n := a.counted("deep: plan"); n != 1 {
		t.Errorf("the plan was made %d times", n)
	}
	nodes := p.tree(task.ID)
	if len(nodes) != 5 || nodes[4].Round != 2 || nodes[4].Question != "four" || nodes[0].TaskID != task.ID {
		t.Errorf("the tree is %+v", nodes)
	}
	p.checkChildEvents(task.ID, nodes)
	list, err := p.store.For(research.DefaultAccount).Tasks(t.Context(), store.TaskFilter{})
	if err != nil || list.Total != 1 || len(list.Tasks) != 1 {
		t.Errorf("the list shows %d of %d tasks, %v; want the deep task alone", len(list.Tasks), list.Total, err)
	}
	f := store.TaskFilter{}
	f.ChildOf = &task.ID
	if list, err = p.store.For(research.DefaultAccount).Tasks(t.Context(), f); err != nil || list.Total != 4 || *list.Tasks[0].ChildOf != task.ID {
		t.Errorf("the list of the children shows %d, %v", list.Total, err)
	}
}

// checkChildEvents requires that the log of a deep task has a copy of each event that its children appended after their
// first one, in their order.
func (p *process) checkChildEvents(id uuid.UUID, nodes []research.TreeNode) {
	p.t.Helper()
	copies := map[string][]int64{}
	for i, frame := range p.frames(id) {
		var e struct {
			Seq      int64 `json:"seq"`
			Metadata struct {
				Child *struct {
					TaskID string `json:"taskId"`
					Seq    int64  `json:"seq"`
				} `json:"child"`
			} `json:"metadata"`
		}
		if err := json.Unmarshal([]byte(frame), &e); err != nil || e.Seq != int64(i+1) {
			p.t.Fatalf("frame %d: %s, %v", i, frame, err)
		}
		if c := e.Metadata.Child; c != nil {
			copies[c.TaskID] = append(copies[c.TaskID], c.Seq)
		}
	}
	for _, n := range nodes[1:] {
		last := p.task(n.TaskID).LastSeq
		var want []int64
		for seq := int64(2); seq <= last; seq++ {
			want = append(want, seq)
		}
		if got := copies[n.TaskID.String()]; fmt.Sprint(got) != fmt.Sprint(want) {
			p.t.Errorf("the deep task's log has the events %v of child %d, want %v", got, n.Number, want)
		}
	}
}

// TestTwoLastChildren lets the last two children end at the same time, in two processes. Exactly one of them gives the deep
// task its next run.
func TestTwoLastChildren(t *testing.T) {
	p := setup(t)
	other := p.other()
	var both sync.WaitGroup
	a := &planner{questions: []string{"one", "two"}}
	p.work(a.run, func(c *RunnerConfig) { c.Slots = 1 })
	other.work(a.run, func(c *RunnerConfig) { c.Slots = 1 })
	for range 10 {
		both.Add(2)
		a.mu.Lock()
		a.child = func(context.Context, agent.Env) error { both.Done(); both.Wait(); return nil }
		a.mu.Unlock()
		task := p.submitDeep()
		if got := p.await(task.ID); got.Status != research.Completed {
			t.Fatalf("the deep task is %s: %v", got.Status, *got.Error)
		}
		if n := p.count("SELECT count(*) FROM runs WHERE task_id = $1", task.ID); n != 2 {
			t.Errorf("the deep task had %d runs, want 2", n)
		}
		if n := p.count("SELECT count(*) FROM river_job WHERE kind = 'research' AND args->>'taskId' = $1", task.ID.String()); n != 2 {
			t.Errorf("the deep task had %d jobs, want 2", n)
		}
	}
}

// TestFailedChild: a child that fails is named to the run that writes the answer, and the others are answered.
func TestFailedChild(t *testing.T) {
	p := setup(t)
	a := &planner{questions: []string{"good", "bad"}, child: func(_ context.Context, env agent.Env) error {
		if env.Task.Question == "bad" {
			return &research.Failure{Code: research.CodeNoSources, Message: "No page could be read."}
		}
		return nil
	}}
	p.work(a.run)
	task := p.submitDeep()
	if got := p.await(task.ID); got.Answer == nil || *got.Answer != "1 completed, 2 failed" {
		t.Errorf("the answer is %v, the error %v", got.Answer, got.Error)
	}
	p.checkChildEvents(task.ID, p.tree(task.ID))
}

// stuck returns a planner whose children wait until their runs are stopped, and a channel that tells of each that waits.
func stuck(questions ...string) (*planner, chan struct{}) {
	at := make(chan struct{}, 100)
	return &planner{questions: questions, child: func(ctx context.Context, _ agent.Env) error {
		at <- struct{}{}
		<-ctx.Done()
		return context.Cause(ctx)
	}}, at
}

func TestCancelReachesChildren(t *testing.T) {
	p := setup(t)
	a, at := stuck("one", "two", "three", "four", "five", "six")
	p.work(a.run)
	task := p.submitDeep()
	for range 4 {
		wait(t, "four children work", at)
	}
	nodes := p.tree(task.ID)
	if n := p.count("SELECT count(*) FROM tasks WHERE waiting_for = 'turn'"); n != 2 {
		t.Errorf("%d children wait for their turn, want 2", n)
	}
	got, err := p.Cancel(t.Context(), research.DefaultAccount, task.ID, "enough")
	if err != nil || got.Status != research.Cancelled {
		t.Fatalf("cancel: %s, %v", got.Status, err)
	}
	for _, n := range nodes[1:] {
		if child := p.await(n.TaskID); child.Status != research.Cancelled {
			t.Errorf("child %d is %s", n.Number, child.Status)
		}
	}
	if n := p.count("SELECT count(*) FROM river_job WHERE kind = 'research' AND state IN ('available','scheduled')"); n != 0 {
		t.Errorf("%d jobs are left", n)
	}
	if err := p.Delete(t.Context(), research.DefaultAccount, task.ID, ""); err != nil {
		t.Fatal(err)
	}
	if n := p.count("SELECT (SELECT count(*) FROM tasks) + (SELECT count(*) FROM tree_nodes)"); n != 0 {
		t.Errorf("%d rows are left of a deleted tree", n)
	}
}

func TestDeleteReachesChildren(t *testing.T) {
	p := setup(t)
	a, at := stuck("one", "two")
	p.work(a.run)
	task := p.submitDeep()
	wait(t, "a child works", at)
	if err := p.Delete(t.Context(), research.DefaultAccount, task.ID, ""); err != nil {
		t.Fatal(err)
	}
	if n := p.count("SELECT (SELECT count(*) FROM tasks) + (SELECT count(*) FROM tree_nodes)"); n != 0 {
		t.Errorf("%d rows are left of a deleted tree", n)
	}
}

// TestDeletedChild: when a child is deleted, the deep task goes on without it.
func TestDeletedChild(t *testing.T) {
	p := setup(t)
	a, at := stuck("one", "two")
	p.work(a.run)
	task := p.submitDeep()
	wait(t, "a child works", at)
	wait(t, "both children work", at)
	nodes := p.tree(task.ID)
	for _, n := range nodes[1:] {
		if err := p.Delete(t.Context(), research.DefaultAccount, n.TaskID, ""); err != nil {
			t.Fatal(err)
		}
	}
	// The last child woke the deep task before it was removed. Depending on the moment the run finds a cancelled child or
	// none, and then plans again.
	p.eventually("the deep task goes on", func() bool { return p.count("SELECT count(*) FROM runs WHERE task_id = $1", task.ID) > 1 })
	if err := p.Delete(t.Context(), research.DefaultAccount, task.ID, ""); err != nil {
		t.Fatal(err)
	}
}

// TestLateChildren: children that do not end in time fail, and the deep task answers without them.
func TestLateChildren(t *testing.T) {
	p := setup(t)
	a, at := stuck("slow")
	p.work(a.run)
	task := p.submitDeep()
	wait(t, "the child works", at)
	p.exec("UPDATE tree_nodes SET waits_until = now() - interval '1 s' WHERE task_id = $1", task.ID)
	if got := p.await(task.ID); got.Answer == nil || *got.Answer != "1 failed" {
		t.Errorf("the answer is %v, the error %v", got.Answer, got.Error)
	}
	child := p.task(p.tree(task.ID)[1].TaskID)
	if child.ErrorCode == nil || *child.ErrorCode != research.CodeTimeout {
		t.Errorf("the late child: %v", child.ErrorCode)
	}
}

func confirms(o *research.Options) { o.ConfirmPlan = true }

func TestConfirmPlan(t *testing.T) {
	p := setup(t)
	a := &planner{questions: []string{"one", "two"}}
	p.work(a.run)
	ctx, account := t.Context(), research.DefaultAccount
	task := p.submitDeep(confirms)
	isWaiting := func() bool { return p.task(task.ID).WaitingFor == research.WaitingForPlan }
	p.eventually("the plan waits", isWaiting)
	if nodes := p.tree(task.ID); len(nodes) != 1 || len(nodes[0].Plan.Subquestions) != 2 || nodes[0].Plan.Subquestions[1].Share.Pages < 1 {
		t.Errorf("the tree before the confirmation: %+v", nodes)
	}
	if _, err := p.ConfirmPlan(ctx, "other", task.ID, nil); !errors.Is(err, research.ErrNotFound) {
		t.Errorf("another account confirmed: %v", err)
	}
	many := plan(1, strings.Split(strings.Repeat("q ", 12)+"q", " ")).Subquestions
	var invalid *research.ValidationError
	if _, err := p.ConfirmPlan(ctx, account, task.ID, many); !errors.As(err, &invalid) || !isWaiting() {
		t.Errorf("13 sub-questions: %v", err)
	}
	got, err := p.ConfirmPlan(ctx, account, task.ID, plan(1, []string{"changed"}).Subquestions)
	if err != nil || got.WaitingFor != research.WaitingForChildren && !got.Status.Terminal() && got.WaitingFor != "" {
		t.Fatalf("confirm: %v %v", got.WaitingFor, err)
	}
	if got := p.await(task.ID); got.Answer == nil || *got.Answer != "1 completed" || p.tree(task.ID)[1].Question != "changed" {
		t.Errorf("the answer is %v, the error %v", got.Answer, got.Error)
	}
	if _, err := p.ConfirmPlan(ctx, account, task.ID, nil); !errors.Is(err, research.ErrConflict) {
		t.Errorf("confirmed twice: %v", err)
	}
	late := p.submitDeep(confirms)
	p.eventually("the plan waits", func() bool { return p.task(late.ID).WaitingFor == research.WaitingForPlan })
	p.exec("UPDATE tree_nodes SET waits_until = now() - interval '1 s' WHERE task_id = $1", late.ID)
	if got := p.await(late.ID); got.ErrorCode == nil || *got.ErrorCode != research.CodeTimeout {
		t.Errorf("a plan that nobody confirmed: %s", got.Status)
	}
	cancelled := p.submitDeep(confirms)
	p.eventually("the plan waits", func() bool { return p.task(cancelled.ID).WaitingFor == research.WaitingForPlan })
	if _, err := p.Cancel(ctx, account, cancelled.ID, ""); err != nil {
		t.Error(err)
	}
}

// TestTurns: of the children of one deep task at most AtOnce are at work, and a task of the same account that was submitted
// later does not wait for all of them.
func TestTurns(t *testing.T) {
	p := setup(t)
	p.ConfigureTrees(deep.Config{AtOnce: 2})
	var mu sync.Mutex
	working, most, order := 0, 0, []string{}
	change := func(n int) {
		mu.Lock()
		defer mu.Unlock()
		working += n
		most = max(most, working)
	}
	gate := make(chan struct{}, 100)
	a := &planner{questions: strings.Fields("a b c d e f g h")}
	a.child = func(ctx context.Context, env agent.Env) error {
		change(1)
		defer change(-1)
		select {
		case <-gate:
		case <-ctx.Done():
		}
		mu.Lock()
		order = append(order, env.Task.Question)
		mu.Unlock()
		return ctx.Err()
	}
	single := &script{steps: 1}
	p.work(func(ctx context.Context, env agent.Env) (research.Result, error) {
		if env.Task.Question == "single" {
			mu.Lock()
			order = append(order, "single")
			mu.Unlock()
			return single.run(ctx, env)
		}
		return a.run(ctx, env)
	}, func(c *RunnerConfig) { c.Slots = 3 })
	task := p.submitDeep()
	p.eventually("two children work", func() bool { mu.Lock(); defer mu.Unlock(); return working == 2 })
	p.await(p.submit("single").ID)
	for range a.questions {
		gate <- struct{}{}
	}
	if got := p.await(task.ID); got.Status != research.Completed {
		t.Fatalf("the deep task is %s: %v", got.Status, *got.Error)
	}
	if most != 2 || order[0] != "single" {
		t.Errorf("%d children worked at once, want 2; the order was %v", most, order)
	}
}

// TestDeepTaskResumes interrupts the run that plans and the run of a child at each of their transactions. No step is made
// again, and the deep task answers.
func TestDeepTaskResumes(t *testing.T) {
	p := setup(t)
	interrupted := map[string]bool{}
	var mu sync.Mutex
	p.fp.Func("after_step_commit", func(ctx context.Context) {
		mu.Lock()
		defer mu.Unlock()
		rows, err := p.store.Pool().Query(context.WithoutCancel(ctx), `SELECT t.id, h.run_epoch, t.question || (SELECT count(*) FROM steps s WHERE s.task_id = t.id)
			FROM tasks t JOIN task_heads h ON h.task_id = t.id WHERE h.owner IS NOT NULL`)
		if err != nil {
			t.Error(err)
			return
		}
		type held struct {
			id    uuid.UUID
			epoch int
		}
		var take []held
		for rows.Next() {
			var h held
			var at string
			if err := rows.Scan(&h.id, &h.epoch, &at); err != nil {
				t.Error(err)
			}
			if !interrupted[at] {
				interrupted[at] = true
				take = append(take, h)
			}
		}
		for _, h := range take {
			_ = p.requeue(context.WithoutCancel(ctx), h.id, h.epoch, func(research.Task) next {
				return next{try: 1, outcome: "lost", events: []research.Event{research.Thinking("handed on", nil)}}
			})
		}
	})
	a := &planner{questions: []string{"one", "two", "three"}}
	p.work(a.run, func(c *RunnerConfig) { c.Slots = 1 })
	task := p.submitDeep()
	if got := p.await(task.ID); got.Answer == nil || *got.Answer != "1 completed, 2 completed, 3 completed" {
		t.Fatalf("the deep task is %s: %v", got.Status, got.Error)
	}
	for what, n := range a.calls {
		if n != 1 {
			t.Errorf("%s was made %d times", what, n)
		}
	}
	if n := p.count("SELECT count(*) FROM runs WHERE outcome = 'lost'"); n < 4 {
		t.Errorf("only %d runs were interrupted", n)
	}
	p.checkChildEvents(task.ID, p.tree(task.ID))
}
