package agenttest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"legwork/internal/agent"
	"legwork/internal/page"
	"legwork/internal/research"
)

// Camera imitates a browser that can take a picture of any page. It records the requests for pictures.
type Camera struct {
	mu     sync.Mutex
	Shots  []page.ShotRequest
	Names  []string
	now    int                                                        // number of pictures being taken now
	Most   int                                                        // greatest number of pictures being taken at once
	Before func(ctx context.Context, n int, r page.ShotRequest) error // called before each picture, which fails with its error; nil means that no picture fails
	Narrow bool                                                       // whether a picture shows only the first quote; otherwise it shows all
}

// Shoot implements agent.Env's Shoot.
func (c *Camera) Shoot(ctx context.Context, name string, r page.ShotRequest) (agent.Picture, error) {
	c.mu.Lock()
	n := len(c.Shots)
	c.Shots, c.Names = append(c.Shots, r), append(c.Names, name)
	c.now++
	c.Most = max(c.Most, c.now)
	c.mu.Unlock()
	defer func() { c.mu.Lock(); c.now--; c.mu.Unlock() }()
	if c.Before != nil {
		if err := c.Before(ctx, n, r); err != nil {
			return agent.Picture{}, err
		}
	}
	shown := make([]bool, len(r.Quotes))
	for i := range shown {
		shown[i] = i == 0 || !c.Narrow
	}
	return agent.Picture{URL: r.URL, Width: 1280, Height: 800, Shown: shown,
		File: research.Artifact{Name: name + "-1.png", Kind: research.KindScreenshot, ContentType: "image/png", Bytes: 1000}}, nil
}

// Taken returns the addresses of the pages whose pictures were requested so far.
func (c *Camera) Taken() (urls []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.Shots {
		urls = append(urls, r.URL)
	}
	return urls
}

// Bodies returns the bodies of a task's events of one type.
func (j *Work) Bodies(kind research.EventType) (out []map[string]any) {
	j.T.Helper()
	events, err := j.Store.Worker().Events(j.T.Context(), j.Task.ID, 0, 1000)
	j.Must(err)
	for _, e := range events {
		if e.Type == kind {
			var m map[string]any
			j.Must(json.Unmarshal(e.Body, &m))
			out = append(out, m)
		}
	}
	return out
}

// Pictured requires that every citation has a picture of its page, and that the events and the task list the same
// pictures in the same order. It returns the task.
func (j *Work) Pictured() research.Task {
	j.T.Helper()
	task := j.Finished()
	byURL := map[string]string{}
	for _, c := range task.Citations {
		if c.ScreenshotURL == "" || byURL[c.URL] != "" && byURL[c.URL] != c.ScreenshotURL || !slices.Contains(task.Screenshots, c.ScreenshotURL) {
			j.T.Errorf("citation %d of %s has the picture %q, the task %v", c.Marker, c.URL, c.ScreenshotURL, task.Screenshots)
		}
		byURL[c.URL] = c.ScreenshotURL
	}
	var told []string
	for _, e := range j.Bodies(research.EventScreenshot) {
		told = append(told, fmt.Sprint(e["imageUrl"]))
		meta, _ := e["metadata"].(map[string]any)
		if _, ok := e["fullPage"].(bool); !ok || !strings.HasPrefix(fmt.Sprint(meta["url"]), "http://") {
			j.T.Errorf("event %v", e)
		}
	}
	if !slices.Equal(told, task.Screenshots) || len(told) != len(byURL) {
		j.T.Errorf("events tell of %v, the task of %v, for the pages %v", told, task.Screenshots, byURL)
	}
	return task
}

// Listener receives the pieces of an answer that is being written, as a client would, and records them.
type Listener struct {
	T      *testing.T
	Text   []rune
	Most   int // greatest length of the text so far, in code points
	Pieces int
	Began  int // how often the text started from its beginning
}

// Emit implements agent.Env's PublishFragment.
func (h *Listener) Emit(offset int, text string) {
	h.Pieces++
	switch {
	case offset == 0:
		h.Began++
		h.Text = nil
	case offset != len(h.Text):
		h.T.Fatalf("a piece at %d after %d code points", offset, len(h.Text))
	}
	h.Text = append(h.Text, []rune(text)...)
	h.Most = max(h.Most, len(h.Text))
}
