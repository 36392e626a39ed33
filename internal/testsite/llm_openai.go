package testsite

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// OpenAI starts a scripted model with OpenAI's chat completions protocol.
func OpenAI(t testing.TB, script Script) *LLM {
	t.Helper()
	return startLLM(t, script, (*LLM).serveOpenAI)
}

// BaseURL returns the base URL of the API, for LLM_BASE_URL.
func (l *LLM) BaseURL() string { return l.server.URL + l.base }

func (l *LLM) serveOpenAI(w http.ResponseWriter, r *http.Request) {
	fail := func(status int, code, message string) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{"message": message, "type": "invalid_request_error", "code": code}})
	}
	key := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if l.refuse(r, key, fail, func(models []string, _ string) {
		var data []any
		for _, m := range models {
			data = append(data, map[string]any{"id": m, "object": "model"})
		}
		deliver(w, Turn{}, map[string]any{"object": "list", "data": data})
	}) {
		return
	}
	if r.URL.Path != "/v1/chat/completions" {
		fail(http.StatusNotFound, "not_found", "no such path")
		return
	}
	req, turn, n, ok := l.next(w, r, fail)
	if !ok {
		return
	}
	if f := l.refusedField(req); f != "" {
		fail(http.StatusBadRequest, "unsupported_parameter", "Unsupported parameter: '"+f+"' is not supported with this model.")
		return
	}
	replyOpenAI(w, r, req, turn, n)
}

// replyOpenAI sends a turn in OpenAI's form, whole or as a stream, as requested. n is the number of the request.
func replyOpenAI(w http.ResponseWriter, r *http.Request, req ModelRequest, turn Turn, n int) {
	if on, _ := req.Body["stream"].(bool); on && !turn.Whole {
		options, _ := req.Body["stream_options"].(map[string]any)
		openAIStream(w, r, turn, options["include_usage"] == true)
		return
	}
	var stop any = "stop"
	message := map[string]any{"role": "assistant", "content": turn.Text}
	if turn.Reasoning != "" {
		message["reasoning_content"] = turn.Reasoning
	}
	if turn.OldCall {
		c := turn.Calls[0]
		message["content"], message["function_call"] = nil, map[string]any{"name": c.Name, "arguments": c.Arguments}
		turn.Calls, turn.Stop = nil, "function_call"
	}
	if len(turn.Calls) > 0 {
		stop = "tool_calls"
		var calls []any
		for i, c := range turn.Calls {
			calls = append(calls, map[string]any{"id": fmt.Sprintf("call_%d_%d", n, i), "type": "function",
				"function": map[string]any{"name": c.Name, "arguments": c.Arguments}})
		}
		message["tool_calls"] = calls
		if turn.Text == "" {
			message["content"] = nil
		}
	}
	switch turn.Stop {
	case "":
	case "none":
		stop = nil
	default:
		stop = turn.Stop
	}
	deliver(w, turn, map[string]any{"id": "chatcmpl-1", "object": "chat.completion", "model": "scripted",
		"choices": []any{map[string]any{"index": 0, "message": message, "finish_reason": stop}}, "usage": openAIUsage(turn)})
}

func openAIUsage(turn Turn) map[string]any {
	in, out := orInt(turn.In, 100), orInt(turn.Out, 10)
	u := map[string]any{"prompt_tokens": in, "completion_tokens": out - turn.Thoughts, "total_tokens": in + out}
	if turn.Cached > 0 {
		u["prompt_tokens_details"] = map[string]any{"cached_tokens": turn.Cached}
	}
	return u
}

// openAIStream sends a turn as a stream. If usage is asked for, it comes in an event of its own without choices, as from
// OpenAI.
func openAIStream(w http.ResponseWriter, r *http.Request, turn Turn, usage bool) {
	event := func(v any) string {
		raw, _ := json.Marshal(v)
		return "data: " + string(raw) + "\n\n"
	}
	chunk := func(delta map[string]any, stop any) string {
		return event(map[string]any{"object": "chat.completion.chunk", "choices": []any{map[string]any{"index": 0, "delta": delta, "finish_reason": stop}}})
	}
	events := []string{chunk(map[string]any{"role": "assistant"}, nil)}
	if turn.Reasoning != "" {
		events = append(events, chunk(map[string]any{"reasoning_content": turn.Reasoning}, nil))
	}
	parts := pieces(turn.Text)
	if turn.OneEvent {
		parts = []string{turn.Text}
	}
	for _, p := range parts {
		events = append(events, chunk(map[string]any{"content": p}, nil))
	}
	stop := turn.Stop
	if stop == "" {
		stop = "stop"
	}
	if stop != "none" {
		events = append(events, chunk(map[string]any{}, stop))
	}
	if usage && stop != "none" {
		events = append(events, event(map[string]any{"object": "chat.completion.chunk", "choices": []any{}, "usage": openAIUsage(turn)}))
	}
	stream(w, r, turn, events, event(map[string]any{"error": map[string]any{"message": turn.StreamFail}}), "data: [DONE]\n\n")
}
