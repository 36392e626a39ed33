package main

import (
	"bytes"
	"encoding/json"
	"image/png"
	"net/http"
	"strings"
	"testing"

	"legwork/api"
	"legwork/internal/testsite"
)

// TestShots_ofCitedPages checks that with a browser each cited page has a screenshot that shows the cited passage,
// and a snapshot that marks it. The files are in an S3 bucket. Deleting the task must remove all of them.
func TestShots_ofCitedPages(t *testing.T) {
	w := newWorld(t)
	bucket := testsite.NewBucket(t)
	c := w.serve(roleAll, "BROWSER=auto", "ARTIFACT_DIR="+bucket.URL)
	done := w.await(c, w.ask(c, nil).TaskID)
	if len(done.Citations) == 0 || len(done.Screenshots) == 0 {
		t.Fatalf("citations %+v, screenshots %v", done.Citations, done.Screenshots)
	}
	for _, cite := range done.Citations {
		if cite.ScreenshotURL == nil {
			t.Errorf("no picture of %s", cite.URL)
			continue
		}
		status, body := w.body(c, *cite.ScreenshotURL)
		if cfg, err := png.DecodeConfig(bytes.NewReader(body)); status != http.StatusOK || err != nil || cfg.Width < 600 || cfg.Height < 300 {
			t.Errorf("%s: %d, %+v, %v", *cite.ScreenshotURL, status, cfg, err)
		}
		status, body = w.body(c, "/api/tasks/"+done.TaskID+"/pages/"+*cite.PageID+"?format=html")
		if status != http.StatusOK || !bytes.Contains(body, []byte(`id="cite-`)) {
			t.Errorf("snapshot of %s: %d %s", cite.URL, status, body)
		}
	}
	var log api.EventList
	if err := c.do(w.ctx(), http.MethodGet, "/api/tasks/"+done.TaskID+"/events?limit=1000", nil, &log); err != nil {
		t.Fatal(err)
	}
	pictures, inView := 0, 0
	for _, raw := range log.Events {
		var e struct {
			Type, Tool string
			Result     struct{ QuoteInView bool }
		}
		if err := json.Unmarshal(raw, &e); err != nil {
			t.Fatal(err)
		}
		if e.Type == "agent:screenshot" {
			pictures++
		}
		if e.Type == "agent:tool_result" && e.Tool == "take_screenshot" && e.Result.QuoteInView {
			inView++
		}
	}
	if pictures != len(done.Screenshots) || inView != pictures {
		t.Errorf("%d pictures told of, %d of them with the passage in view; the task has %d", pictures, inView, len(done.Screenshots))
	}
	if err := c.do(w.ctx(), http.MethodDelete, "/api/tasks/"+done.TaskID, nil, nil); err != nil {
		t.Fatal(err)
	}
	if status, _ := w.body(c, done.Screenshots[0]); status != http.StatusNotFound {
		t.Errorf("after the delete: %d", status)
	}
	for _, key := range bucket.Keys(t) {
		if strings.Contains(key, done.TaskID) {
			t.Errorf("the bucket still has %s", key)
		}
	}
}
