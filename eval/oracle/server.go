package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"legwork/eval/questions"
)

// maxRequest is the greatest size of a request, in bytes.
const maxRequest = 8 << 20

// message is a message of OpenAI's chat completions.
type message struct {
	Role       string     `json:"role"`
	Content    any        `json:"content"`
	ToolCalls  []toolCall `json:"tool_calls,omitempty"`
	ToolCallID string     `json:"tool_call_id,omitempty"`
}

type toolCall struct {
	ID       string       `json:"id"`
	Type     string       `json:"type"`
	Function toolFunction `json:"function"`
}

type toolFunction struct {
	Name      string `json:"name"`
	Arguments string `json:"arguments"`
}

// text returns the text of a message, whose content is a text or a list of parts.
func (m message) text() string {
	switch c := m.Content.(type) {
	case string:
		return c
	case []any:
		var b strings.Builder
		for _, part := range c {
			if p, ok := part.(map[string]any); ok {
				t, _ := p["text"].(string)
				b.WriteString(t)
			}
		}
		return b.String()
	}
	return ""
}

type request struct {
	Model    string    `json:"model"`
	Messages []message `json:"messages"`
	Tools    []any     `json:"tools"`
	Stream   bool      `json:"stream"`
}

// reply is what the oracle says: a text, or calls of tools.
type reply struct {
	text string
	call *toolFunction
	also *toolFunction // a second call in the same turn
}

// oracle answers requests. It keeps the tool results of each conversation, because legwork shortens old results.
type oracle struct {
	all []questions.Question
	mux *http.ServeMux

	mu      sync.Mutex
	results map[string]map[string]string // by question and tag: the tool results by the id of their call, and the start page as seed
	latest  []string                     // texts of the latest requests, to tell what a server would have cached
}

func newOracle(all []questions.Question) http.Handler {
	o := &oracle{all: all, mux: http.NewServeMux(), results: map[string]map[string]string{}}
	o.mux.HandleFunc("GET /v1/models", func(w http.ResponseWriter, _ *http.Request) {
		send(w, map[string]any{"object": "list", "data": []any{map[string]any{"id": "oracle", "object": "model"}}})
	})
	o.mux.HandleFunc("GET /v1/models/{name}", func(w http.ResponseWriter, r *http.Request) {
		send(w, map[string]any{"id": r.PathValue("name"), "object": "model"})
	})
	o.mux.HandleFunc("POST /v1/chat/completions", o.complete)
	return o.mux
}

func send(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func (o *oracle) complete(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxRequest))
	var in request
	if err == nil {
		err = json.Unmarshal(raw, &in)
	}
	if err != nil || len(in.Messages) == 0 {
		w.WriteHeader(http.StatusBadRequest)
		send(w, map[string]any{"error": map[string]any{"message": "the request is no chat completion", "type": "invalid_request_error"}})
		return
	}
	out := o.reply(in)
	usage := o.usage(string(raw), out)
	if in.Stream {
		stream(w, out, usage)
		return
	}
	m, stop := map[string]any{"role": "assistant", "content": out.text}, "stop"
	if out.call != nil {
		stop = "tool_calls"
		calls := []toolCall{callOf(in, out.call, "")}
		if out.also != nil {
			calls = append(calls, callOf(in, out.also, "b"))
		}
		m["tool_calls"] = calls
	}
	send(w, map[string]any{"id": "chatcmpl-oracle", "object": "chat.completion", "model": "oracle", "usage": usage,
		"choices": []any{map[string]any{"index": 0, "message": m, "finish_reason": stop}}})
}

// callOf makes a tool call with an id that is unique in its conversation.
func callOf(in request, f *toolFunction, suffix string) toolCall {
	return toolCall{ID: fmt.Sprintf("call_%d%s", len(in.Messages), suffix), Type: "function", Function: *f}
}

// stream sends a text as an event stream, word by word. Replies with calls are never asked for as a stream by legwork, but
// are sent too.
func stream(w http.ResponseWriter, out reply, usage map[string]any) {
	w.Header().Set("Content-Type", "text/event-stream")
	event := func(choices []any, usage any) {
		raw, _ := json.Marshal(map[string]any{"id": "chatcmpl-oracle", "object": "chat.completion.chunk", "model": "oracle", "choices": choices, "usage": usage})
		_, _ = fmt.Fprintf(w, "data: %s\n\n", raw)
	}
	delta := func(d map[string]any, stop any) {
		event([]any{map[string]any{"index": 0, "delta": d, "finish_reason": stop}}, nil)
	}
	stop := "stop"
	for part := range strings.SplitAfterSeq(out.text, " ") {
		delta(map[string]any{"content": part}, nil)
	}
	if out.call != nil {
		stop = "tool_calls"
		delta(map[string]any{"tool_calls": []any{map[string]any{"index": 0, "id": "call_s", "type": "function",
			"function": map[string]any{"name": out.call.Name, "arguments": out.call.Arguments}}}}, nil)
	}
	delta(map[string]any{}, stop)
	event([]any{}, usage)
	_, _ = io.WriteString(w, "data: [DONE]\n\n")
}

// Numbers for the usage of tokens. A token is taken as four bytes. Servers cache prefixes of at least cachedLeast tokens,
// in steps of cachedStep.
const (
	bytesOfToken = 4
	cachedLeast  = 1024
	cachedStep   = 128
	keptRequests = 64
)

// usage counts the tokens of a request and its reply. The cached tokens are those of the longest prefix that one of the
// latest requests also had.
func (o *oracle) usage(raw string, out reply) map[string]any {
	written := out.text
	if out.call != nil {
		written += out.call.Name + out.call.Arguments
	}
	if out.also != nil {
		written += out.also.Name + out.also.Arguments
	}
	o.mu.Lock()
	prefix := 0
	for _, old := range o.latest {
		n := 0
		for n < len(old) && n < len(raw) && old[n] == raw[n] {
			n++
		}
		prefix = max(prefix, n)
	}
	o.latest = append(o.latest, raw)
	if len(o.latest) > keptRequests {
		o.latest = o.latest[1:]
	}
	o.mu.Unlock()
	cached := prefix / bytesOfToken / cachedStep * cachedStep
	if cached < cachedLeast {
		cached = 0
	}
	in, answer := (len(raw)+bytesOfToken-1)/bytesOfToken, (len(written)+bytesOfToken-1)/bytesOfToken
	return map[string]any{"prompt_tokens": in, "completion_tokens": answer, "total_tokens": in + answer,
		"prompt_tokens_details": map[string]any{"cached_tokens": min(cached, in)}}
}
