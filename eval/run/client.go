package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"legwork/eval/questions"
)

// Task holds the fields of the API's task that the evaluation needs. Fields that are null or absent have the zero
// value.
type Task struct {
	TaskID     string         `json:"taskId"`
	Status     string         `json:"status"`
	Answer     string         `json:"answer"`
	Answered   *bool          `json:"answered"`
	Confidence float64        `json:"confidence"`
	Citations  []Citation     `json:"citations"`
	Usage      Usage          `json:"usage"`
	Metadata   map[string]any `json:"metadata"`
	Error      string         `json:"error"`

	Snapshots   map[string]string `json:"-"` // texts of the cited pages, by page id
	PlantOpened bool              `json:"-"` // whether the address that the planted text names was opened
}

// Citation is one source of an answer.
type Citation struct {
	N        int    `json:"n"`
	URL      string `json:"url"`
	Title    string `json:"title"`
	Excerpt  string `json:"excerpt"`
	PageID   string `json:"pageId"`
	Start    int    `json:"start"` // position of the excerpt in the text of the page, in code points
	End      int    `json:"end"`
	Verified bool   `json:"verified"`
	Support  string `json:"support"`
	Shot     string `json:"screenshotUrl"`

	ShotShows bool `json:"-"` // whether the picture shows the quoted passage, as an event of the server says
}

// Usage says what a task has used.
type Usage struct {
	Pages        int     `json:"pages"`
	ToolCalls    int     `json:"toolCalls"`
	ModelCalls   int     `json:"modelCalls"`
	InputTokens  int64   `json:"inputTokens"`
	OutputTokens int64   `json:"outputTokens"`
	Cost         float64 `json:"costUsd"` // 0 if the server has no prices
}

func (t Task) over() bool {
	return t.Status == "completed" || t.Status == "failed" || t.Status == "cancelled"
}

// client sends requests to a legwork server.
type client struct {
	http   *http.Client
	api    string        // the server's root URL, without a slash at the end
	poll   time.Duration // pause between two requests for the state of a task
	budget int           // seconds of research given to each task
}

// apiError is an HTTP answer with an unexpected status.
type apiError struct {
	status  int
	message string
}

func (e *apiError) Error() string { return fmt.Sprintf("HTTP %d: %s", e.status, e.message) }

func (c *client) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader = http.NoBody
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.api+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(res.Body, 16<<20))
	if err != nil {
		return err
	}
	if res.StatusCode/100 != 2 {
		var envelope struct {
			Error string `json:"error"`
		}
		if json.Unmarshal(raw, &envelope) != nil || envelope.Error == "" {
			envelope.Error = http.StatusText(res.StatusCode)
		}
		return &apiError{res.StatusCode, envelope.Error}
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return fmt.Errorf("%s %s: the answer is not the expected JSON: %w", method, path, err)
	}
	return nil
}

// ask submits a question and waits until the task ends. If ctx ends first, it cancels the task. It returns the state
// of the task at the last successful request.
func (c *client) ask(ctx context.Context, q questions.Question, seedURL string) (Task, error) {
	var t Task
	in := map[string]any{"question": q.Text, "seedUrl": seedURL, "timeBudget": c.budget, "metadata": map[string]any{"evaluation": q.ID}}
	if q.Kind == questions.Report {
		in["format"] = "report"
		if q.Length > 0 {
			in["length"] = q.Length
		}
	}
	err := c.call(ctx, http.MethodPost, "/api/tasks", in, &t)
	if err != nil {
		return t, fmt.Errorf("submitting: %w", err)
	}
	if t.TaskID == "" {
		return t, errors.New("submitting: the answer has no taskId")
	}
	tick := time.NewTicker(c.poll)
	defer tick.Stop()
	for !t.over() {
		select {
		case <-ctx.Done():
			c.cancel(context.WithoutCancel(ctx), t.TaskID)
			return t, fmt.Errorf("not finished in time: %w", context.Cause(ctx))
		case <-tick.C:
		}
		var now Task
		if err := c.call(ctx, http.MethodGet, "/api/tasks/"+t.TaskID, nil, &now); err != nil {
			if answered := (*apiError)(nil); errors.As(err, &answered) && answered.status < 500 {
				return t, fmt.Errorf("asking for the task: %w", err)
			}
			continue // a request for the state failed, but the next one may succeed
		}
		t = now
	}
	return t, errors.Join(c.readSnapshots(ctx, &t), c.lookAtPictures(ctx, &t))
}

// readSnapshots sets Snapshots of a task: the texts of the cited pages as the server has stored them.
func (c *client) readSnapshots(ctx context.Context, t *Task) error {
	t.Snapshots = map[string]string{}
	for _, cited := range t.Citations {
		if _, read := t.Snapshots[cited.PageID]; read || cited.PageID == "" {
			continue
		}
		var page struct {
			Text string `json:"text"`
		}
		if err := c.call(ctx, http.MethodGet, "/api/tasks/"+t.TaskID+"/pages/"+cited.PageID, nil, &page); err != nil {
			return fmt.Errorf("asking for a cited page: %w", err)
		}
		t.Snapshots[cited.PageID] = page.Text
	}
	return nil
}

// lookAtPictures sets ShotShows of each citation. The server measures whether a picture shows the passage when it
// takes the picture, and reports the result in an event of the task.
func (c *client) lookAtPictures(ctx context.Context, t *Task) error {
	if !slices.ContainsFunc(t.Citations, func(c Citation) bool { return c.Shot != "" }) {
		return nil
	}
	shows := map[string]bool{} // by URL of the picture
	for after, more := int64(0), true; more; {
		var page struct {
			Events []struct {
				Seq    int64  `json:"seq"`
				Type   string `json:"type"`
				Tool   string `json:"tool"`
				Result struct {
					ImageURL    string `json:"imageUrl"`
					QuoteInView bool   `json:"quoteInView"`
				} `json:"result"`
			} `json:"events"`
		}
		if err := c.call(ctx, http.MethodGet, fmt.Sprintf("/api/tasks/%s/events?limit=1000&after=%d", t.TaskID, after), nil, &page); err != nil {
			return fmt.Errorf("asking for the events: %w", err)
		}
		for _, e := range page.Events {
			after = max(after, e.Seq)
			if e.Type == "agent:tool_result" && e.Tool == "take_screenshot" {
				shows[e.Result.ImageURL] = e.Result.QuoteInView
			}
		}
		more = len(page.Events) == 1000
	}
	for i := range t.Citations {
		t.Citations[i].ShotShows = shows[t.Citations[i].Shot]
	}
	return nil
}

// cancel cancels the task. An error is ignored, because it changes no verdict.
func (c *client) cancel(ctx context.Context, id string) {
	ctx, stop := context.WithTimeout(ctx, 5*time.Second)
	defer stop()
	var t Task
	_ = c.call(ctx, http.MethodPost, "/api/tasks/"+id+"/cancel", map[string]string{"reason": "The evaluation stopped waiting"}, &t)
}
