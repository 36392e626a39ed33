package testsite

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// Turn is the answer of a scripted model to one request.
type Turn struct {
	Text  string
	Calls []ToolCall
	Stop  string // stop reason in the provider's words; empty means the usual reason; "none" means that no stop reason is sent
	In    int    // input tokens; 0 means 100
	Out   int    // output tokens; 0 means 10

	Cached   int // the part of In that the provider took from its cache
	Thoughts int // thinking tokens, a part of Out; they are reported only within the total, as Google does

	Status     int             // HTTP status of an error; 0 means no error
	Error      string          // message of the error
	Code       string          // code or type of the error
	RetryAfter string          // Retry-After header
	Raw        string          // sent as the body instead of a reply
	Cut        bool            // close the connection in the middle of the reply or stream
	NoEnd      bool            // end a stream without its end mark
	Open       bool            // leave the connection open after the events of a stream, without the end mark
	Whole      bool            // send the reply as one JSON object, even if a stream was asked for, as some gateways do
	OneEvent   bool            // send the whole text in one event of a stream, as some self-hosted servers do
	OldCall    bool            // send the first call in the field function_call, which is older than tool_calls
	Reasoning  string          // reasoning_content beside the text, as DeepSeek, vLLM and llama.cpp send it
	StreamFail string          // send this error event in the middle of a stream
	Hold       <-chan struct{} // wait for this channel before the reply, or until the client disconnects
	Halfway    <-chan struct{} // wait for this channel in the middle of a stream
	Hang       bool            // send no reply until the client disconnects
}

// ToolCall is a tool call in a scripted reply. Arguments are sent unchanged.
type ToolCall struct {
	Name      string
	Arguments string
}

// ModelRequest is a request that a scripted model received.
type ModelRequest struct {
	Path   string
	Header http.Header
	Body   map[string]any
	Raw    string
}

// Messages returns the request's messages.
func (r ModelRequest) Messages() []map[string]any {
	list, _ := r.Body["messages"].([]any)
	var out []map[string]any
	for _, m := range list {
		if o, ok := m.(map[string]any); ok {
			out = append(out, o)
		}
	}
	return out
}

// Tools returns the names of the tools in the request.
func (r ModelRequest) Tools() []string {
	var names []string
	var walk func(v any)
	walk = func(v any) {
		switch x := v.(type) {
		case []any:
			for _, e := range x {
				walk(e)
			}
		case map[string]any:
			if f, ok := x["function"]; ok {
				walk(f)
			} else if n, ok := x["name"].(string); ok {
				names = append(names, n)
			}
		}
	}
	walk(r.Body["tools"])
	return names
}

// Script chooses the reply to a request. n is 0 for the first request.
type Script func(n int, r ModelRequest) Turn

// Play is a script with fixed turns. A request after the last turn gets a permanent error.
func Play(turns ...Turn) Script {
	return func(n int, _ ModelRequest) Turn {
		if n < len(turns) {
			return turns[n]
		}
		return Turn{Status: http.StatusTeapot, Error: fmt.Sprintf("the script has %d turns, this is request %d", len(turns), n+1)}
	}
}

// LLM is a scripted language model over HTTP. Its methods may be called from any goroutine.
type LLM struct {
	server *httptest.Server
	base   string // path of the API
	closed chan struct{}
	script Script

	mu       sync.Mutex
	requests []ModelRequest
	models   []string // models in the list of models
	key      string   // key that requests must have; empty means that any key is accepted
	refused  []string // names of request fields; requests that have one of them are refused
	checks   int      // requests for the list of models or for one model
}

func startLLM(t testing.TB, script Script, serve func(l *LLM, w http.ResponseWriter, r *http.Request)) *LLM {
	t.Helper()
	l := &LLM{closed: make(chan struct{}), base: "/v1", script: script, models: []string{"scripted"}}
	l.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { serve(l, w, r) }))
	t.Cleanup(func() {
		close(l.closed)
		l.server.CloseClientConnections()
		l.server.Close()
	})
	return l
}

// Close stops the server. Later connections are refused.
func (l *LLM) Close() {
	l.server.CloseClientConnections()
	l.server.Close()
}

// Follow makes the server follow another script from now on.
func (l *LLM) Follow(script Script) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.script = script
}

// Demand sets the key that requests must have, and the models that the server lists.
func (l *LLM) Demand(key string, models ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.key, l.models = key, models
}

// RefuseFields makes the server refuse requests that have one of these fields, as OpenAI does for reasoning models.
func (l *LLM) RefuseFields(fields ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refused = fields
}

// refusedField returns the first field of the request that RefuseFields has named, or an empty string.
func (l *LLM) refusedField(r ModelRequest) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.refused {
		if _, ok := r.Body[f]; ok {
			return f
		}
	}
	return ""
}

// Requests returns the requests for replies so far.
func (l *LLM) Requests() []ModelRequest {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]ModelRequest(nil), l.requests...)
}

// Checks counts the requests for the list of models or for one model. They cost no tokens.
func (l *LLM) Checks() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.checks
}

// take reads and records a request, and asks the script for its turn.
func (l *LLM) take(r *http.Request) (ModelRequest, Turn, int) {
	body, _ := io.ReadAll(r.Body)
	m := ModelRequest{Path: r.URL.RequestURI(), Header: r.Header.Clone(), Raw: string(body)}
	_ = json.Unmarshal(body, &m.Body)
	l.mu.Lock()
	n := len(l.requests)
	l.requests = append(l.requests, m)
	script := l.script
	l.mu.Unlock()
	return m, script(n, m), n
}

// refuse answers the requests that need no script: requests with a wrong key, and requests for the list of models or for one model. It
// returns true if it has answered. fail writes an error in the provider's form; list writes the models.
func (l *LLM) refuse(r *http.Request, key string, fail func(status int, code, message string), list func(models []string, asked string)) bool {
	l.mu.Lock()
	demanded, models := l.key, l.models
	if r.Method == http.MethodGet {
		l.checks++
	}
	l.mu.Unlock()
	if demanded != "" && key != demanded {
		fail(http.StatusUnauthorized, "invalid_api_key", "Incorrect API key provided: "+key)
		return true
	}
	if r.Method != http.MethodGet {
		return false
	}
	asked := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	if asked != "models" {
		for _, m := range models {
			if m == asked {
				list(models, asked)
				return true
			}
		}
		fail(http.StatusNotFound, "not_found_error", "model: "+asked)
		return true
	}
	list(models, "")
	return true
}

// next waits until the reply to r may be sent. ok is false if there is no reply to send: the client has disconnected, or an error was sent.
func (l *LLM) next(w http.ResponseWriter, r *http.Request, fail func(status int, code, message string)) (req ModelRequest, turn Turn, n int, ok bool) {
	req, turn, n = l.take(r)
	switch {
	case !l.wait(r, turn):
		return req, turn, n, false
	case turn.Status == 0:
		return req, turn, n, true
	}
	if turn.RetryAfter != "" {
		w.Header().Set("Retry-After", turn.RetryAfter)
	}
	fail(turn.Status, turn.Code, turn.Error)
	return req, turn, n, false
}

// wait delays a reply as the turn says. It returns false if the client has disconnected or the server is closed.
func (l *LLM) wait(r *http.Request, t Turn) bool {
	if t.Hang {
		select {
		case <-r.Context().Done():
		case <-l.closed:
		}
		return false
	}
	if t.Hold != nil {
		select {
		case <-t.Hold:
		case <-r.Context().Done():
			return false
		case <-l.closed:
			return false
		}
	}
	return true
}

// deliver sends a whole reply, or half of it if the turn says so.
func deliver(w http.ResponseWriter, t Turn, body any) {
	raw, _ := json.Marshal(body)
	if t.Raw != "" {
		raw = []byte(t.Raw)
	}
	w.Header().Set("Content-Type", "application/json")
	if t.Cut {
		w.Header().Set("Content-Length", fmt.Sprint(len(raw)))
		_, _ = w.Write(raw[:len(raw)/2])
		flush(w)
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write(raw)
}

// stream sends lines as events. After half of them it waits or fails, if the turn says so.
func stream(w http.ResponseWriter, r *http.Request, t Turn, events []string, fail, end string) {
	w.Header().Set("Content-Type", "text/event-stream")
	for i, e := range events {
		if i == len(events)/2 {
			if t.Halfway != nil {
				select {
				case <-t.Halfway:
				case <-r.Context().Done():
					return
				}
			}
			if t.StreamFail != "" {
				_, _ = io.WriteString(w, fail)
				flush(w)
				return
			}
			if t.Cut {
				flush(w)
				panic(http.ErrAbortHandler)
			}
		}
		_, _ = io.WriteString(w, e)
		flush(w)
	}
	switch {
	case t.Open:
		<-r.Context().Done()
	case !t.NoEnd:
		_, _ = io.WriteString(w, end)
	}
}

func flush(w http.ResponseWriter) {
	if f, ok := w.(http.Flusher); ok {
		f.Flush()
	}
}

// pieces cuts a text into pieces of seven bytes, or a little more so that no character is cut.
func pieces(s string) []string {
	var out []string
	for len(s) > 0 {
		n := min(len(s), 7)
		for n < len(s) && s[n]&0xC0 == 0x80 {
			n++
		}
		out, s = append(out, s[:n]), s[n:]
	}
	return out
}

func orInt(n, d int) int {
	if n == 0 {
		return d
	}
	return n
}
