package main

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"legwork/internal/testsite"
)

// deltaClient is a client that reads an answer while it is being written, by the rules of the contract.
type deltaClient struct {
	t      *testing.T
	frames chan string // closed at the end
	text   []rune
	resets int
	events []string
	answer string
}

// piece holds the fields of a frame that a deltaClient reads.
type piece struct {
	Type   string
	Offset int
	Text   string
	Reset  bool
	Answer string
}

// followDeltas follows a task over a WebSocket.
func (w *world) followDeltas(c *client, id, query string) *deltaClient {
	w.t.Helper()
	ctx := w.ctx()
	conn, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(c.base, "http")+"/api/tasks/"+id+"/stream"+query, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	conn.SetReadLimit(4 << 20)
	l := &deltaClient{t: w.t, frames: make(chan string, 4096)}
	go func() {
		defer close(l.frames)
		defer func() { _ = conn.CloseNow() }()
		for {
			_, frame, err := conn.Read(ctx)
			if err != nil {
				return
			}
			l.frames <- string(frame)
		}
	}()
	return l
}

// followDeltasSSE follows a task by server-sent events. Deltas must have no id, and events must have one.
func (w *world) followDeltasSSE(c *client, id, query string) *deltaClient {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.ctx(), http.MethodGet, c.base+"/api/tasks/"+id+"/events"+query, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Accept", "text/event-stream")
	res, err := (&http.Client{}).Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	l := &deltaClient{t: w.t, frames: make(chan string, 4096)}
	go func() {
		defer close(l.frames)
		defer func() { _ = res.Body.Close() }()
		lines, numbered := bufio.NewReader(res.Body), false
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			if data, ok := strings.CutPrefix(line, "data: "); ok {
				if numbered == strings.Contains(data, `"agent:delta"`) {
					l.t.Errorf("id %t: %s", numbered, data)
				}
				l.frames <- strings.TrimSpace(data)
			}
			numbered = strings.HasPrefix(line, "id: ")
		}
	}()
	return l
}

// until reads frames until stop returns true or the stream ends.
func (l *deltaClient) until(ctx context.Context, stop func() bool) {
	l.t.Helper()
	for !stop() {
		select {
		case <-ctx.Done():
			l.t.Fatalf("withDeltas %q", string(l.text))
		case frame, open := <-l.frames:
			if !open {
				return
			}
			l.take(frame)
		}
	}
}

func (l *deltaClient) take(frame string) {
	l.t.Helper()
	var p piece
	if err := json.Unmarshal([]byte(frame), &p); err != nil {
		l.t.Fatal(err)
	}
	switch {
	case p.Type != "agent:delta":
		l.events, l.answer = append(l.events, frame), p.Answer
		return
	case l.answer != "":
		l.t.Errorf("after the answer: %s", frame)
	case p.Offset != len(l.text) && !p.Reset || strings.Contains(frame, `"seq"`):
		l.t.Fatalf("after %d code points: %s", len(l.text), frame)
	case p.Reset:
		l.resets++
	}
	l.text = append(l.text[:p.Offset:p.Offset], []rune(p.Text)...)
}

// TestAnswerIsStreamed runs two API processes, a worker and a model over HTTP. The text of the answer must arrive
// while the model still writes it: over WebSockets and server-sent events, from both processes, for clients that
// connect early or late. When an attempt of the model fails in the middle, the text of the next attempt must replace
// its text. A client that does not ask for deltas must get the log, byte for byte.
func TestAnswerIsStreamed(t *testing.T) {
	const reply = "The port is 7047 [1], as a rule [7]. Nothing else is known – really – of the port; and this is said in enough words."
	const answer = "The port is 7047 [1], as a rule. Nothing else is known – really – of the port; and this is said in enough words."
	for provider, start := range map[string]func(testing.TB, testsite.Script) *testsite.LLM{"openai": testsite.OpenAI, "anthropic": testsite.Anthropic} {
		t.Run(provider, func(t *testing.T) {
			w := newWorld(t)
			play, halfway, answers := manualReader(w.site), make(chan struct{}), 0
			server := start(t, func(n int, r testsite.ModelRequest) testsite.Turn {
				if len(r.Tools()) > 0 {
					return play(n, r)
				}
				if answers++; answers == 1 {
					return testsite.Turn{Text: "The port is something else, I would say, but wait.", StreamFail: "overloaded"}
				}
				return testsite.Turn{Text: reply, Halfway: halfway}
			})
			env := settings(w.url, w.dir, "LLM_PROVIDER="+provider, "LLM_BASE_URL="+server.BaseURL(), "LLM_MODEL=scripted", "LLM_API_KEY=sk-test")
			a, b := w.api(w.start(env, "serve", "--role", "api")), w.api(w.start(env, "serve", "--role", "api"))
			task := w.ask(a, map[string]any{"question": "Which port is listen_port?"})
			withDeltas := []*deltaClient{w.followDeltas(a, task.TaskID, "?deltas=1"), w.followDeltas(b, task.TaskID, "?deltas=1&after=1"), w.followDeltasSSE(b, task.TaskID, "?deltas=1")}
			plain := []*deltaClient{w.followDeltas(a, task.TaskID, ""), w.followDeltas(b, task.TaskID, "?deltas=0"), w.followDeltasSSE(a, task.TaskID, "")}
			w.start(env, "worker")

			half := func(l *deltaClient) func() bool {
				return func() bool { return strings.HasPrefix(string(l.text), answer[:40]) }
			}
			for i, l := range withDeltas {
				l.until(w.ctx(), half(l))
				if l.resets > 1 || !strings.HasPrefix(answer, string(l.text)) {
					t.Errorf("stream %d was withDeltas %q after %d resets", i, string(l.text), l.resets)
				}
			}
			late := w.followDeltas(b, task.TaskID, "?deltas=1&after=1")
			late.until(w.ctx(), half(late))
			if late.resets != 0 {
				t.Errorf("a late one was withDeltas of %d resets", late.resets)
			}
			close(halfway)
			never := func() bool { return false }
			stored, _ := w.frames(a, task.TaskID, 0)
			for i, l := range append(withDeltas, late) {
				if l.until(w.ctx(), never); string(l.text) != answer || l.answer != answer {
					t.Errorf("stream %d ended with %q", i, string(l.text))
				}
				same(t, "the events between the deltas", l.events, stored[len(stored)-len(l.events):])
			}
			for _, l := range plain {
				if l.until(w.ctx(), never); l.text != nil {
					t.Errorf("withDeltas %q unasked", string(l.text))
				}
				same(t, "without deltas", l.events, stored)
			}
		})
	}
}
