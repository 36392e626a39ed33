package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"legwork/api"
	"legwork/cmd/legwork/sources"
	"legwork/internal/testsite"
)

// reads reports whether a parser process of p reads a document that takes long.
func (p *process) reads(t *testing.T) bool {
	t.Helper()
	list, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range list {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended meanwhile
		}
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		parent, _ := strconv.Atoi(fields[1])
		user, _ := strconv.Atoi(fields[11])
		if parent != p.cmd.Process.Pid || user < 40 { // 0.4 s of computing, which is more than a start takes
			continue
		}
		if line, err := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline")); err == nil && strings.Contains(string(line), sources.ParseCommand) {
			return true
		}
	}
	return false
}

// TestHugePageIsLeftAtOnce lets a task read a document that takes long, and cancels it, or gives it little time. The process that
// reads must end within a second, and the task too.
func TestHugePageIsLeftAtOnce(t *testing.T) {
	const budget = 6 * time.Second
	for _, tt := range []struct {
		document string
		cancel   bool
		want     api.Status
	}{
		{"manual.html", true, api.StatusCancelled},
		{"form-bomb.pdf", true, api.StatusCancelled},
		{"form-bomb.pdf", false, api.StatusFailed}, // it has read no page
	} {
		t.Run(fmt.Sprintf("%s, cancel %v", tt.document, tt.cancel), func(t *testing.T) {
			w := newWorld(t)
			for _, d := range testsite.HostileDocuments() {
				if d.Name == tt.document {
					w.site.Handle("/"+d.Name, func(rw http.ResponseWriter, _ *http.Request) {
						rw.Header().Set("Content-Type", d.ContentType)
						_, _ = rw.Write(d.Body)
					})
				}
			}
			c := w.serve(roleAPI)
			worker := w.start(settings(w.url, w.dir), "worker")
			w.line(worker, "legwork starts")
			in := map[string]any{"seedUrl": w.site.URL("/" + tt.document), "maxPages": 1}
			if !tt.cancel {
				in["timeBudget"] = budget.Seconds()
			}
			task := w.ask(c, in)
			eventually(t, "a process reads the page", func() bool {
				// On a busy machine, the time may be over before the reader of PDFs has started.
				return worker.reads(t) || !tt.cancel && w.get(c, task.TaskID).CompletedAt != nil
			})
			running := w.get(c, task.TaskID)
			if running.StartedAt == nil || tt.cancel && running.Status != api.StatusRunning {
				t.Fatalf("the task is %s while its page is read", running.Status)
			}
			due := running.StartedAt.Add(budget)
			if tt.cancel {
				due = time.Now()
				if err := c.do(w.ctx(), http.MethodPost, "/api/tasks/"+task.TaskID+"/cancel", map[string]any{}, nil); err != nil {
					t.Fatal(err)
				}
			}
			eventually(t, "the process has ended", func() bool { return !worker.reads(t) })
			left := time.Since(due)
			done := w.await(c, task.TaskID)
			ended := done.CompletedAt.Sub(due)
			t.Logf("the reading ended %v after it was due, the task %v: %s", left.Round(time.Millisecond), ended.Round(time.Millisecond), done.Status)
			if done.Status != tt.want || left > soon || ended > soon {
				t.Errorf("ended %s, %v after it was due, and the reading after %v: %v", done.Status, ended, left, done.Error)
			}
		})
	}
}
