package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"legwork/api"
)

const (
	mostUnanswered = 10 * time.Second // an outage must be noticed within this time
	mostRecovery   = 15 * time.Second // everything must work this long after another node answers
)

// load sends requests of several kinds, one of each every 200 ms, until the returned function is called. That one waits for the
// last answers.
func (w *world) load(c *client) (stop func() answers) {
	ctx, cancel := context.WithCancel(context.Background())
	var all answers
	var mu sync.Mutex
	var running sync.WaitGroup
	one := func(method, path, body string) {
		defer running.Done()
		a := answer{what: method + " " + path, began: time.Now()}
		req, err := http.NewRequest(method, c.base+path, strings.NewReader(body))
		if err != nil {
			w.t.Error(err)
			return
		}
		req.Header.Set("Content-Type", "application/json")
		res, err := (&http.Client{Timeout: waitLimit}).Do(req)
		if err == nil {
			b, _ := io.ReadAll(res.Body)
			_ = res.Body.Close()
			a.status, a.body = res.StatusCode, string(b)
			if res.StatusCode == http.StatusServiceUnavailable && res.Header.Get("Retry-After") == "" {
				w.t.Errorf("%s: 503 without Retry-After: %s", a.what, b)
			}
		}
		a.took = time.Since(a.began)
		mu.Lock()
		defer mu.Unlock()
		all.all = append(all.all, a)
	}
	running.Go(func() {
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			running.Add(4)
			go one(http.MethodGet, "/api/tasks", "")
			go one(http.MethodPost, "/api/tasks", `{"question":"What is the default value of keep_warm_minutes?","seedUrl":"`+w.site.URL("/index.html")+`","timeBudget":60}`)
			go one(http.MethodGet, "/health/ready", "")
			go one(http.MethodGet, "/health", "")
		}
	})
	return func() answers { cancel(); running.Wait(); return all }
}

func healthy(a answer) bool {
	var h struct{ Status string }
	return a.status == http.StatusOK && json.Unmarshal([]byte(a.body), &h) == nil && h.Status == "healthy"
}

// TestDeadNode runs a server whose database node stops answering without closing a connection, in two ways. The outage must be
// noticed within 10 s. After another node has replaced it at the same address, everything must work within 15 s, also the run
// that was in the middle.
func TestDeadNode(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(n *nodes){
		"packets dropped": func(n *nodes) { n.drop(n.space) },
		"node frozen":     func(n *nodes) { n.kill(n.space, syscall.SIGSTOP) },
	} {
		t.Run(name, func(t *testing.T) {
			w, n := worldOn(t)
			release := w.site.Hold(heldPage)
			defer release()
			p := w.start(settings(w.url, w.dir, "MAX_QUEUED_TASKS=0"), "serve")
			c := w.api(p)
			held := w.ask(c, nil)
			eventually(t, "the run is in the middle", func() bool { return w.get(c, held.TaskID).Status == api.StatusRunning })
			stop := w.load(c)
			<-time.After(2 * time.Second)
			dead := time.Now()
			fail(n)
			<-time.After(25 * time.Second)
			lines := strings.Count(p.errs.String(), "\n")
			n.replace()
			back := time.Now()
			release()
			<-time.After(mostRecovery + 5*time.Second)
			all := stop()
			w.checkOutage(all, dead, back)
			if n := outageLines(p.errs.String()); n > 20 {
				t.Errorf("%d of %d lines of the log are about the outage of 25 s", n, lines)
			}
			if done := w.await(c, held.TaskID); done.Status != api.StatusCompleted {
				t.Errorf("the run in the middle ended %s: %v", done.Status, done.Error)
			}
			again := w.ask(c, nil)
			if done := w.await(c, again.TaskID); done.Status != api.StatusCompleted {
				t.Errorf("a later task ended %s: %v", done.Status, done.Error)
			}
			accepted := 1
			for _, a := range all.all {
				if a.status == http.StatusCreated {
					accepted++
				}
			}
			if n := w.count("SELECT count(*) FROM tasks"); n < accepted+1 {
				t.Errorf("%d tasks are stored, %d were accepted", n, accepted+1)
			}
			w.stop(p)
		})
	}
}

// checkOutage checks the answers to requests before, during and after an outage.
func (w *world) checkOutage(all answers, dead, back time.Time) {
	w.t.Helper()
	during := all.between(dead.Add(-500*time.Millisecond), back.Add(-mostUnanswered))
	var degraded time.Time
	for _, a := range during {
		if a.took > mostUnanswered || a.status == 0 {
			w.t.Errorf("%s took %s, status %d", a.what, a.took, a.status)
		}
		switch {
		case a.what == "GET /health" && !healthy(a) && (degraded.IsZero() || a.began.Add(a.took).Before(degraded)):
			degraded = a.began.Add(a.took)
		case a.what == "GET /health" && healthy(a) && a.began.Add(a.took).After(dead.Add(mostUnanswered)):
			w.t.Errorf("healthy %s after the node was dead", a.began.Sub(dead))
		case a.what != "GET /health" && a.status != http.StatusServiceUnavailable && a.began.After(dead.Add(time.Second)):
			w.t.Errorf("%s answered %d during the outage: %s", a.what, a.status, a.body)
		}
	}
	if degraded.IsZero() || degraded.Sub(dead) > mostUnanswered {
		w.t.Errorf("health was degraded %s after the node was dead", degraded.Sub(dead))
	}
	var works time.Time // when the last failure was over
	for _, a := range all.between(back.Add(-mostUnanswered), time.Now()) {
		ok := a.status == http.StatusOK || a.status == http.StatusCreated
		if a.what == "GET /health" {
			ok = healthy(a)
		}
		if !ok && a.began.After(works) {
			works = a.began
		}
	}
	w.t.Logf("%d requests; slowest answer during the outage %s; degraded after %s; the last failure began %s after the other node answered",
		len(all.all), slowest(during), degraded.Sub(dead), works.Sub(back))
	if works.After(back.Add(mostRecovery)) {
		w.t.Errorf("requests failed until %s after another node answered", works.Sub(back))
	}
}

// outageLines returns the number of warnings and errors about the database.
func outageLines(log string) (n int) {
	for line := range strings.Lines(log) {
		if strings.Contains(line, "level=WARN") || strings.Contains(line, "level=ERROR") {
			n++
		}
	}
	return n
}

// TestDeadNodeAndSIGTERM ends a server whose database node has stopped answering. It must end within SHUTDOWN_TIMEOUT and three
// seconds.
func TestDeadNodeAndSIGTERM(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(n *nodes){
		"packets dropped": func(n *nodes) { n.drop(n.space) },
		"node frozen":     func(n *nodes) { n.kill(n.space, syscall.SIGSTOP) },
	} {
		t.Run(name, func(t *testing.T) {
			w, n := worldOn(t)
			release := w.site.Hold(heldPage)
			defer release()
			const timeout = 4 * time.Second
			p := w.start(settings(w.url, w.dir, "SHUTDOWN_TIMEOUT="+timeout.String()), "serve")
			c := w.api(p)
			held := w.ask(c, nil)
			eventually(t, "the run is in the middle", func() bool { return w.get(c, held.TaskID).Status == api.StatusRunning })
			fail(n)
			began := time.Now()
			if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			w.wait(p)
			took := time.Since(began)
			t.Logf("ended after %s with SHUTDOWN_TIMEOUT=%s", took, timeout)
			if took > timeout+3*time.Second+500*time.Millisecond { // half a second for a busy machine
				t.Errorf("ended %s after SIGTERM", took)
			}
		})
	}
}
