package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"

	"legwork/api"
	"legwork/cmd/legwork/progress"
	"legwork/internal/retry"
)

// client calls the HTTP API of a server, like any other program.
type client struct {
	base   string // http://host:port
	key    string // API key; none is sent when it is empty
	http   *http.Client
	deltas bool          // whether streams send the answer while it is being written
	pause  time.Duration // pause before a broken stream is opened again
}

func newClient(base string) *client {
	return &client{base: strings.TrimRight(base, "/"), http: &http.Client{Timeout: 30 * time.Second}, pause: 250 * time.Millisecond}
}

// apiError is the server's error envelope.
type apiError struct {
	Status  int    `json:"-"`
	Message string `json:"error"`
	Code    string `json:"errorCode"`
	Details struct {
		Errors []struct {
			Field   string `json:"field"`
			Message string `json:"message"`
		} `json:"errors"`
	} `json:"details"`
}

// Error implements error.
func (e *apiError) Error() string {
	var b strings.Builder
	b.WriteString(e.Message)
	for _, f := range e.Details.Errors {
		if !strings.Contains(e.Message, f.Message) { // the message about a single field says it already
			fmt.Fprintf(&b, "\n  %s: %s", f.Field, f.Message)
		}
	}
	return b.String()
}

// do sends a request, and decodes the answer into out. An error answer is returned as an *apiError.
func (c *client) do(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.key != "" {
		req.Header.Set("Authorization", "Bearer "+c.key)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("no answer from %s: %w", c.base, err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode >= http.StatusBadRequest {
		e := apiError{Status: res.StatusCode}
		if err := json.NewDecoder(res.Body).Decode(&e); err != nil || e.Message == "" {
			e.Message = fmt.Sprintf("%s answered %s; is it a legwork server?", c.base, res.Status)
		}
		return &e
	}
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(res.Body).Decode(out); err != nil {
		return fmt.Errorf("%s did not answer as a legwork server: %w", c.base, err)
	}
	return nil
}

// submit posts a question.
func (c *client) submit(ctx context.Context, in map[string]any) (task api.Task, err error) {
	err = c.do(ctx, http.MethodPost, "/api/tasks", in, &task)
	return task, err
}

// task loads a task.
func (c *client) task(ctx context.Context, id string) (task api.Task, err error) {
	err = c.do(ctx, http.MethodGet, "/api/tasks/"+id, nil, &task)
	return task, err
}

// event is an event or delta of a stream.
type event = progress.Event

// maxReconnects is how many times in a row follow connects again without receiving an event.
const maxReconnects = 20

// follow reads a task's events from the first to the last and calls each for every one. When a connection breaks, it
// connects again and continues after the last event. It gives up after maxReconnects connections in a row that
// brought no event.
func (c *client) follow(ctx context.Context, id string, each func(event) error) error {
	var cursor int64
	for failures := 0; ; failures++ {
		before := cursor
		done, err := c.stream(ctx, id, &cursor, each)
		if done || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		if cursor > before {
			failures = 0
		}
		if failures == maxReconnects {
			return fmt.Errorf("the stream broke, and %d new connections in a row brought no event; the task continues, see %s/api/tasks/%s: %w",
				maxReconnects, c.base, id, err)
		}
		_ = retry.Wait(ctx, c.pause) // the next try notices that ctx has ended
	}
}

// dialOptions returns the options by which a WebSocket's handshake sends the API key.
func (c *client) dialOptions() *websocket.DialOptions {
	if c.key == "" {
		return nil
	}
	return &websocket.DialOptions{HTTPHeader: http.Header{"Authorization": {"Bearer " + c.key}}}
}

// stream reads events from one connection and calls each for every one. done is true if the log has ended or if each
// returned an error.
func (c *client) stream(ctx context.Context, id string, cursor *int64, each func(event) error) (done bool, err error) {
	url := fmt.Sprintf("ws%s/api/tasks/%s/stream?after=%d", strings.TrimPrefix(c.base, "http"), id, *cursor)
	if c.deltas {
		url += "&deltas=1"
	}
	conn, _, err := websocket.Dial(ctx, url, c.dialOptions()) //nolint:bodyclose // the library closes it
	if err != nil {
		return false, err
	}
	defer func() { _ = conn.CloseNow() }()
	conn.SetReadLimit(4 << 20)
	for {
		_, frame, err := conn.Read(ctx)
		if websocket.CloseStatus(err) == websocket.StatusNormalClosure {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		e := event{Frame: frame}
		if err := json.Unmarshal(frame, &e); err != nil {
			return true, fmt.Errorf("the stream of %s sent a frame that is not an event; is it a legwork server? %w", c.base, err)
		}
		*cursor = max(*cursor, e.Seq) // a delta has no seq
		if err := each(e); err != nil {
			return true, err
		}
		if e.Terminal() {
			return true, nil
		}
	}
}
