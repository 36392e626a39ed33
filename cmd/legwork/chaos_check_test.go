//go:build failpoints

package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/coder/websocket"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/internal/store"
)

// client asks one question until it sees a 201, and follows its log to the end, at whichever API process answers.
func (c *chaos) client(i int) {
	limit, cancel := context.WithTimeout(context.Background(), c.form.rage+c.form.patience)
	defer cancel()
	pause(limit, time.Duration(i)*c.form.arrivals/time.Duration(c.form.tasks)) // they come one after another
	body := fmt.Sprintf(`{"question":"How long is the keep warm time of the kettle, case %d?","seedUrl":%q,"maxPages":%d,"maxDepth":2}`,
		i, c.site.URL(fmt.Sprintf("/chaos/%d/index.html", i)), sitePages+1)
	id := ""
	for n := i; id == "" && limit.Err() == nil; n++ {
		id = c.submit(limit, c.apis[n%2], fmt.Sprintf("client-%d", i), body)
		if id == "" {
			pause(limit, 100*time.Millisecond)
		}
	}
	if id == "" {
		c.t.Errorf("client %d never got a 201", i)
		return
	}
	c.mu.Lock()
	c.task[i] = id
	c.mu.Unlock()
	var log []string
	over := false
	for n := i; !over && limit.Err() == nil; n++ {
		log, over = c.follow(limit, c.apis[n%2], id, log)
		if !over {
			pause(limit, 100*time.Millisecond)
		}
	}
	if !over {
		c.t.Errorf("stuck: task %s of client %d has not ended after %d events", id, i, len(log))
	}
	c.mu.Lock()
	c.logs[i] = log
	c.mu.Unlock()
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// submit gives the id of the task, or nothing when there was no 201.
func (c *chaos) submit(ctx context.Context, api, key, body string) string {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+api+"/api/tasks", strings.NewReader(body))
	if err != nil {
		c.t.Error(err)
		return ""
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", key)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return ""
	}
	defer func() { _ = res.Body.Close() }()
	var task struct {
		TaskID string `json:"taskId"`
	}
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusCreated || json.Unmarshal(b, &task) != nil {
		if res.StatusCode < 500 && res.StatusCode != http.StatusCreated {
			c.t.Errorf("submit: %d %s", res.StatusCode, b)
		}
		return ""
	}
	return task.TaskID
}

// follow reads a stream from the end of what was seen. It reports whether the log has ended.
func (c *chaos) follow(ctx context.Context, api, id string, seen []string) ([]string, bool) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	conn, res, err := websocket.Dial(ctx, fmt.Sprintf("ws://%s/api/tasks/%s/stream?after=%d", api, id, len(seen)), nil)
	if res != nil && res.Body != nil {
		defer func() { _ = res.Body.Close() }()
	}
	if err != nil {
		return seen, false
	}
	defer func() { _ = conn.CloseNow() }()
	conn.SetReadLimit(4 << 20)
	for {
		_, frame, err := conn.Read(ctx)
		if err != nil {
			return seen, websocket.CloseStatus(err) == websocket.StatusNormalClosure
		}
		var e struct {
			Seq int `json:"seq"`
		}
		if err := json.Unmarshal(frame, &e); err != nil || e.Seq != len(seen)+1 {
			c.t.Errorf("task %s: after event %d came %s (%v)", id, len(seen), frame, err)
			return seen, true
		}
		seen = append(seen, string(frame))
	}
}

// check judges what is left.
func (c *chaos) check() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	st, err := store.Open(ctx, store.Config{URL: c.direct, MaxConns: 4, LeaseTTL: c.form.lease, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		c.t.Fatal(err)
	}
	defer st.Close()
	findings, err := st.Audit(ctx)
	if err != nil || len(findings) > 0 {
		c.t.Errorf("audit: %v, %v", findings, err)
	}
	number := func(sql string, args ...any) (n int) {
		if err := st.Pool().QueryRow(ctx, sql, args...).Scan(&n); err != nil {
			c.t.Error(err)
		}
		return n
	}
	if n := number("SELECT count(*) FROM tasks"); n != c.form.tasks || len(c.task) != n {
		c.t.Errorf("duplicated or lost: %d tasks are stored, %d were asked for, %d accepted", n, c.form.tasks, len(c.task))
	}
	failed, repeated := 0, 0
	for i, id := range c.task {
		repeated += c.checkTask(ctx, st, i, uuid.MustParse(id), &failed)
	}
	resumed := number("SELECT count(DISTINCT task_id) FROM runs WHERE outcome = 'lost'")
	again := number("SELECT count(DISTINCT task_id) FROM runs WHERE epoch > 1")
	lost := number("SELECT count(*) FROM runs WHERE outcome = 'lost'")
	if float64(again) < c.form.resumed*float64(c.form.tasks) {
		c.t.Errorf("only %d of %d tasks were resumed: this was no chaos", again, c.form.tasks)
	}
	if failed*10 > c.form.tasks {
		c.t.Errorf("%d of %d tasks lost three workers in a row without a step", failed, c.form.tasks)
	}
	recoveries := c.recoveries(ctx, st)
	median, worst := time.Duration(0), time.Duration(0)
	if n := len(recoveries); n > 0 {
		median, worst = recoveries[n/2], recoveries[n-1]
	}
	if worst > c.form.bound {
		c.t.Errorf("the slowest recovery took %v, more than %v", worst, c.form.bound)
	}
	c.checkFiles(ctx, st)
	c.report(
		fmt.Sprintf("%d tasks: 0 lost, 0 stuck, 0 duplicated; %d failed as worker_lost", c.form.tasks, failed),
		fmt.Sprintf("%d runs lost in %d tasks, %d tasks resumed in some way, %d page loads made again", lost, resumed, again, repeated),
		fmt.Sprintf("recovery from a run's last write to the next claim: median %v, worst %v", median.Round(time.Millisecond), worst.Round(time.Millisecond)))
}

// checkTask looks at one task: its end, its log as its client saw it, and how often its pages were loaded. It gives the
// page loads that were made again.
func (c *chaos) checkTask(ctx context.Context, st *store.Store, i int, id uuid.UUID, failed *int) int {
	task, epoch, err := st.TaskForRun(ctx, id)
	if err != nil {
		c.t.Errorf("lost: %v", err)
		return 0
	}
	switch {
	case task.Status == "completed":
	case task.ErrorCode != nil && *task.ErrorCode == "worker_lost":
		*failed++
	default:
		c.t.Errorf("task %s ended %s: %v", id, task.Status, *task.Error)
	}
	events, err := st.Events(ctx, id, 0, 10000)
	if err != nil {
		c.t.Error(err)
	}
	var rows []string
	for _, e := range events {
		rows = append(rows, string(e.Frame()))
	}
	if !slices.Equal(rows, c.logs[i]) {
		c.t.Errorf("client %d saw another log:\n%s\n--- the table:\n%s", i, strings.Join(c.logs[i], "\n"), strings.Join(rows, "\n"))
	}
	// One load may be in flight when a run ends, and only that one is made again.
	loads := map[string]int{}
	again := 0
	for _, r := range c.site.Requests() {
		if strings.HasPrefix(r.Path, fmt.Sprintf("/chaos/%d/", i)) {
			if loads[r.Path]++; loads[r.Path] > 1 {
				again++
			}
		}
	}
	if again > epoch-1 {
		c.t.Errorf("task %s repeated %d page loads in %d runs: %v", id, again, epoch, loads)
	}
	return again
}

// recoveries gives the times from the last write of each lost run, or the return of the database after it, to the next
// run's claim, sorted. The last write comes before the loss, so none is too short.
func (c *chaos) recoveries(ctx context.Context, st *store.Store) []time.Duration {
	rows, err := st.Pool().Query(ctx, `SELECT r.task_id, r.seen_at, n.claimed_at FROM runs r
		JOIN LATERAL (SELECT claimed_at FROM runs n WHERE n.task_id = r.task_id AND n.epoch > r.epoch ORDER BY n.epoch LIMIT 1) n ON true
		WHERE r.outcome = 'lost'`)
	if err != nil {
		c.t.Error(err)
		return nil
	}
	type pair struct {
		Task          uuid.UUID
		Seen, Claimed time.Time
	}
	pairs, err := pgx.CollectRows(rows, pgx.RowToStructByPos[pair])
	if err != nil {
		c.t.Error(err)
	}
	var out []time.Duration
	for _, p := range pairs {
		for _, back := range c.outages {
			if back.After(p.Seen) && back.Before(p.Claimed) {
				p.Seen = back
			}
		}
		took := p.Claimed.Sub(p.Seen)
		if out = append(out, took); took > c.form.bound {
			events, _ := st.Events(ctx, p.Task, 0, 1000)
			c.t.Logf("recovery of %s at %s took %v:", p.Task, p.Claimed.UTC().Format(time.TimeOnly), took)
			for _, e := range events {
				c.t.Logf("%s", e.Frame())
			}
		}
	}
	slices.Sort(out)
	return out
}

// checkFiles: every task has its files, and no file has no task.
func (c *chaos) checkFiles(ctx context.Context, st *store.Store) {
	for _, id := range c.task {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.apis[0]+"/api/tasks/"+id+"/artifacts", nil)
		if err != nil {
			c.t.Error(err)
			continue
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			c.t.Errorf("artifacts: %v", err)
			continue
		}
		b, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil || !bytes.Contains(b, []byte(`"has_result":true`)) {
			c.t.Errorf("artifacts of %s: %d %s", id, res.StatusCode, b)
		}
	}
	folders, err := os.ReadDir(filepath.Join(c.dir, "artifacts"))
	if err != nil {
		c.t.Error(err)
	}
	for _, f := range folders {
		id, err := uuid.Parse(f.Name())
		if err != nil {
			continue // a temporary file of a writer that was killed
		}
		if there, err := st.Exists(ctx, id); err != nil || !there {
			c.t.Errorf("orphan artifacts of %s: %v", f.Name(), errors.Join(err))
		}
	}
}

// checkConnections: when all processes have ended, none of their connections is left.
func (c *chaos) checkConnections() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.direct)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	left := -1
	for left != 0 && ctx.Err() == nil {
		err := conn.QueryRow(ctx, `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()`).Scan(&left)
		if err != nil {
			break
		}
		pause(ctx, 50*time.Millisecond)
	}
	if left != 0 {
		c.t.Errorf("%d connections are left", left)
	}
}
