package httpapi

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"legwork/api"
	"legwork/internal/research"
)

func thinking(n int) []research.Event {
	out := make([]research.Event, n)
	for i := range out {
		out[i] = research.Thinking(fmt.Sprintf("step <%d>", i+1), nil)
	}
	return out
}

var failed = research.ErrorEvent(research.CodeTimeout, "It took too long.", false, nil)

func TestEventsAsJSON(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.add(research.Task{Status: research.Running}).ID
	b.append(id, thinking(4)...)
	b.append(id, research.ToolCall("navigate_to", map[string]any{"url": "http://a.example/"}, nil), failed)
	base := "/api/tasks/" + id.String() + "/events"
	for query, want := range map[string][2]int64{"": {1, 6}, "?after=0": {1, 6}, "?after=4": {5, 6}, "?after=1&limit=2": {2, 3},
		"?after=6": {0, 0}, "?after=9223372036854775807": {0, 0}, "?limit=1000": {1, 6}} {
		var got api.EventList
		b.get(base+query, "Last-Event-ID", "nonsense that JSON ignores").into(200, &got)
		var first, last int64
		for i, raw := range got.Events {
			var e struct {
				Seq    int64          `json:"seq"`
				TaskID string         `json:"taskId"`
				Meta   map[string]any `json:"metadata"`
			}
			if err := json.Unmarshal(raw, &e); err != nil || e.TaskID != id.String() {
				t.Errorf("%s: %s", query, raw)
			}
			if i == 0 {
				first = e.Seq
			}
			last = e.Seq
			if strings.Contains(string(raw), "null") {
				t.Errorf("an absent field is null: %s", raw)
			}
		}
		if first != want[0] || last != want[1] || got.LastSeq != 6 {
			t.Errorf("%s: %d to %d, lastSeq %d, want %v of 6", query, first, last, got.LastSeq, want)
		}
	}
	if res := b.get(base + "?after=6"); !strings.Contains(string(res.body), `"events":[]`) {
		t.Errorf("no events are %s", res.body)
	}
}

func TestCursorsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.add(research.Task{Status: research.Running}).ID
	b.append(id, thinking(1)...)
	base := "/api/tasks/" + id.String()
	for _, after := range []string{"-1", "", "x", "1.0", "9223372036854775808", "%2B1", "+1", "1&after=2", "null"} {
		b.get(base+"/events?after="+after).wantError(422, "validation_error", "after")
		b.get(base+"/events?after="+after, "Accept", "text/event-stream").wantError(422, "validation_error", "after")
		b.get(base+"/stream?after="+after, websocketHeaders...).wantError(422, "validation_error", "after")
	}
	for _, deltas := range []string{"", "x", "2", "true", "1&deltas=1"} {
		b.get(base+"/events?deltas="+deltas).wantError(422, "validation_error", "deltas")
		b.get(base+"/events?deltas="+deltas, "Accept", "text/event-stream").wantError(422, "validation_error", "deltas")
		b.get(base+"/stream?deltas="+deltas, websocketHeaders...).wantError(422, "validation_error", "deltas")
	}
	for _, last := range []string{"-1", "x", "1.0", "9223372036854775808", "+1"} {
		b.get(base+"/events?after=0", "Accept", "text/event-stream", "Last-Event-ID", last).wantError(422, "validation_error", "lastEventId")
	}
	for _, limit := range []string{"0", "1001", "-1", "x", ""} {
		b.get(base+"/events?limit="+limit).wantError(422, "validation_error", "limit")
	}
}

// sse is an open event stream.
type sse struct {
	t      testing.TB
	res    *http.Response
	lines  *bufio.Reader
	cancel context.CancelFunc
}

func (b *bundle) follow(path string, header ...string) *sse {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	req, err := http.NewRequestWithContext(ctx, "GET", b.http.URL+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Accept", "text/event-stream")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := b.http.Client().Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { cancel(); _ = res.Body.Close() })
	return &sse{t: b.t, res: res, lines: bufio.NewReader(res.Body), cancel: cancel}
}

// block reads up to the next empty line.
func (s *sse) block() (string, error) {
	var b strings.Builder
	for {
		line, err := s.lines.ReadString('\n')
		if err != nil {
			return b.String(), err
		}
		if line == "\n" {
			return b.String(), nil
		}
		b.WriteString(line)
	}
}

// want reads the events from seq first to last, skipping comments.
func (s *sse) want(first, last int64) {
	s.t.Helper()
	for seq := first; seq <= last; {
		block, err := s.block()
		if err != nil {
			s.t.Fatalf("waiting for %d: %v", seq, err)
		}
		if strings.HasPrefix(block, ":") {
			continue
		}
		data, ok := strings.CutPrefix(block, "id: "+strconv.FormatInt(seq, 10)+"\ndata: ")
		var e struct {
			Seq int64 `json:"seq"`
		}
		if err := json.Unmarshal([]byte(data), &e); !ok || err != nil || e.Seq != seq {
			s.t.Fatalf("waiting for %d: got %q", seq, block)
		}
		seq++
	}
}

func (s *sse) wantEnd() {
	s.t.Helper()
	if rest, err := io.ReadAll(s.lines); err != nil || len(rest) != 0 {
		s.t.Errorf("after the end: %q, %v", rest, err)
	}
}

func TestEventStream(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.add(research.Task{Status: research.Running}).ID
	b.append(id, thinking(2)...)
	path := "/api/tasks/" + id.String() + "/events"
	s := b.follow(path, "Accept-Encoding", "gzip, deflate, br, zstd") // the server must not compress, which would delay events
	for name, want := range map[string]string{"Content-Type": "text/event-stream", "Cache-Control": "no-store",
		"X-Accel-Buffering": "no", "Content-Encoding": ""} {
		if got := s.res.Header.Get(name); s.res.StatusCode != 200 || got != want {
			t.Errorf("%d, %s is %q, want %q", s.res.StatusCode, name, got, want)
		}
	}
	if first, err := s.block(); err != nil || first != "retry: 2000\n" {
		t.Errorf("first block %q, %v", first, err)
	}
	s.want(1, 2)
	b.append(id, thinking(3)...) // while the stream is open
	s.want(3, 5)
	header := b.follow(path+"?after=1", "Last-Event-ID", "3") // the header takes precedence
	_, _ = header.block()
	header.want(4, 5)
	query := b.follow(path+"?after=4", "Last-Event-ID", "") // an empty header is ignored
	_, _ = query.block()
	query.want(5, 5)
	b.append(id, failed)
	for _, stream := range []*sse{s, header, query} {
		stream.want(6, 6)
		stream.wantEnd()
	}
	// A cursor at or beyond the end of a finished task's log gets 204, because no event will follow.
	for _, after := range []string{"6", "7", "9223372036854775807"} {
		if res := b.get(path+"?after="+after, "Accept", "text/event-stream"); res.status != 204 || len(res.body) != 0 {
			t.Errorf("after %s: %d %s", after, res.status, res.body)
		}
	}
	old := b.follow(path + "?after=5")
	_, _ = old.block()
	old.want(6, 6)
	old.wantEnd()
}

// TestEventStreamOutlivesTimeouts checks that an event stream lasts longer than the server's read and write timeouts, and sends
// heartbeats.
func TestEventStreamOutlivesTimeouts(t *testing.T) {
	t.Parallel()
	b := setup(t, func(_ *Config, tm *timing) { tm.heartbeat = 20 * time.Millisecond })
	id := b.add(research.Task{Status: research.Running}).ID
	b.append(id, thinking(1)...)
	srv := Server("", b.api, b.api.server.log)
	srv.ReadTimeout, srv.WriteTimeout = 100*time.Millisecond, 100*time.Millisecond
	b.serve(srv)
	s := b.follow("/api/tasks/" + id.String() + "/events?after=1")
	_, _ = s.block()
	for start := time.Now(); time.Since(start) < 500*time.Millisecond; {
		if block, err := s.block(); err != nil || block != ": heartbeat\n" {
			t.Fatalf("%q, %v", block, err)
		}
	}
	b.append(id, failed)
	s.want(2, 2)
	s.wantEnd()
}

func TestEventStreamEndsWithTheProcess(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.add(research.Task{Status: research.Running}).ID
	b.append(id, thinking(1)...)
	s := b.follow("/api/tasks/" + id.String() + "/events")
	_, _ = s.block()
	s.want(1, 1)
	b.hub.Stop()
	s.wantEnd()
}

func TestEventStreamEndsWithTheClient(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.add(research.Task{Status: research.Running}).ID
	b.append(id, thinking(1)...)
	s := b.follow("/api/tasks/" + id.String() + "/events")
	_, _ = s.block()
	s.want(1, 1)
	s.cancel()
	b.eventually("the subscription of a client that left is closed", func() bool { return b.hub.Watched() == 0 })
	if calls := b.seen(); len(calls) != 0 {
		t.Errorf("a client that left caused %+v", calls)
	}
	if res := b.do("HEAD", "/api/tasks/"+id.String()+"/events", nil, "Accept", "text/event-stream"); res.status != 200 {
		t.Errorf("HEAD: %d", res.status)
	}
}

// eventually waits for a condition that no channel or event reports.
func (b *bundle) eventually(what string, ok func() bool) {
	b.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(testTimeout); !ok(); <-tick.C {
		if time.Now().After(deadline) {
			b.t.Fatalf("not so: %s", what)
		}
	}
}

func TestAcceptHeader(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string]bool{
		"": false, "*/*": false, "application/json": false, "text/event-stream": true, "TEXT/Event-Stream; charset=utf-8": true,
		"application/json, text/event-stream;q=0.5": true, "text/event-stream;q=0": false, "text/*": false, "text/event-streams": false,
		"text/event-stream;q=x": true, ",,;": false,
	} {
		r, _ := http.NewRequestWithContext(context.Background(), "GET", "/", nil)
		r.Header.Set("Accept", accept)
		if got := acceptsEvents(r); got != want {
			t.Errorf("%q: %v", accept, got)
		}
	}
}

// TestLastSeqKeepsUp checks that lastSeq is at least the seq of every event in the answer, even of one that was appended
// after the task was read.
func TestLastSeqKeepsUp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.add(research.Task{Status: research.Running}).ID
	b.append(id, thinking(3)...)
	res, err := b.api.server.storedEvents(context.Background(), research.Task{ID: id, LastSeq: 1}, 0, 10)
	if got, ok := res.(api.ListEvents200JSONResponse); err != nil || !ok || got.LastSeq != 3 {
		t.Errorf("%+v, %v", res, err)
	}
}
