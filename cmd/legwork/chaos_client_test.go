//go:build failpoints

package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// client submits one question again and again until the API answers 201. Then it reads the task's log to its end,
// from any API process that answers.
func (c *chaos) client(i int) {
	limit, cancel := context.WithTimeout(context.Background(), c.form.duration+c.form.waitLimit)
	defer cancel()
	pause(limit, time.Duration(i)*c.form.arrivals/time.Duration(c.form.tasks)) // spreads the submissions of all clients over the duration form.arrivals
	id := c.ask(limit, i)
	if id == "" {
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

// deleting submits one question and deletes its task. Half of the tasks are deleted as soon as they have ended,
// when their files are being written. The others are deleted after some time, in any state.
func (c *chaos) deleting(j int) {
	limit, cancel := context.WithTimeout(context.Background(), c.form.duration+c.form.waitLimit)
	defer cancel()
	pause(limit, time.Duration(j)*c.form.arrivals/time.Duration(c.form.deleted))
	i := c.form.tasks + j
	id := c.ask(limit, i)
	if id == "" {
		return
	}
	if j%2 == 0 {
		c.awaitEnd(limit, id)
	} else {
		pause(limit, rand.N(16*c.form.page))
	}
	for n := i; limit.Err() == nil; n++ {
		if c.remove(limit, c.apis[n%2], id) {
			c.mu.Lock()
			c.gone[id] = true
			c.mu.Unlock()
			return
		}
		pause(limit, 100*time.Millisecond)
	}
	c.t.Errorf("task %s of client %d could not be deleted", id, i)
}

// ask submits question i until the answer is 201.
func (c *chaos) ask(limit context.Context, i int) (id string) {
	body := fmt.Sprintf(`{"question":"How long is the keep warm time of the kettle, case %d?","seedUrl":%q,"maxPages":%d,"maxDepth":2}`,
		i, c.site.URL(fmt.Sprintf("/chaos/%d/index.html", i)), sitePages+1)
	if isDeep(i) {
		body = deepBody(i)
	}
	for n := i; limit.Err() == nil; n++ {
		if id := c.submit(limit, c.apis[n%2], fmt.Sprintf("client-%d", i), body); id != "" {
			return id
		}
		pause(limit, 100*time.Millisecond)
	}
	c.t.Errorf("client %d never got a 201", i)
	return ""
}

// awaitEnd waits until a task has ended.
func (c *chaos) awaitEnd(limit context.Context, id string) {
	for n := 0; limit.Err() == nil; n++ {
		status, b := c.send(limit, http.MethodGet, "http://"+c.apis[n%2]+"/api/tasks/"+id, "", "")
		if status == http.StatusOK && bytes.Contains(b, []byte(`"status":"completed"`)) || bytes.Contains(b, []byte(`"status":"failed"`)) {
			return
		}
		pause(limit, 100*time.Millisecond)
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// submit returns the id of the task, or "" when the answer was not 201.
func (c *chaos) submit(ctx context.Context, api, key, body string) string {
	status, b := c.send(ctx, http.MethodPost, "http://"+api+"/api/tasks", body, key)
	var task struct {
		TaskID string `json:"taskId"`
	}
	if status != http.StatusCreated || json.Unmarshal(b, &task) != nil {
		if status != 0 && status < 500 && status != http.StatusCreated {
			c.t.Errorf("submit: %d %s", status, b)
		}
		return ""
	}
	return task.TaskID
}

// remove deletes a task. It reports whether the task is deleted, perhaps by an earlier request whose answer was
// lost.
func (c *chaos) remove(ctx context.Context, api, id string) bool {
	status, b := c.send(ctx, http.MethodDelete, "http://"+api+"/api/tasks/"+id, "", "")
	if status != 0 && status < 500 && status != http.StatusNoContent && status != http.StatusNotFound {
		c.t.Errorf("delete: %d %s", status, b)
	}
	return status == http.StatusNoContent || status == http.StatusNotFound
}

// send returns the status and body of an answer. The status is 0 when no complete answer arrived.
func (c *chaos) send(ctx context.Context, method, url, body, key string) (int, []byte) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		c.t.Error(err)
		return 0, nil
	}
	if key != "" {
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Idempotency-Key", key)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, nil
	}
	return res.StatusCode, b
}

// follow reads a stream, starting after the events that were seen. It reports whether the log has ended.
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
