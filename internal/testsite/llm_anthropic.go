package testsite

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
)

// Anthropic starts a scripted model with Anthropic's Messages API.
func Anthropic(t testing.TB, script Script) *LLM {
	t.Helper()
	return startLLM(t, script, (*LLM).serveAnthropic)
}

func (l *LLM) serveAnthropic(w http.ResponseWriter, r *http.Request) {
	fail := func(status int, code, message string) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]any{"type": "error", "error": map[string]any{"type": code, "message": message}})
	}
	if l.refuse(r, r.Header.Get("X-Api-Key"), fail, func(models []string, asked string) {
		if asked != "" {
			deliver(w, Turn{}, map[string]any{"type": "model", "id": asked})
			return
		}
		deliver(w, Turn{}, map[string]any{"data": models})
	}) {
		return
	}
	if r.URL.Path != "/v1/messages" {
		fail(http.StatusNotFound, "not_found_error", "no such path")
		return
	}
	req, turn, n, ok := l.next(w, r, fail)
	if !ok {
		return
	}
	if on, _ := req.Body["stream"].(bool); on {
		anthropicStream(w, r, turn)
		return
	}
	content, stop := []any{}, any("end_turn")
	if turn.Text != "" {
		content = append(content, map[string]any{"type": "text", "text": turn.Text})
	}
	for i, c := range turn.Calls {
		stop = "tool_use"
		content = append(content, map[string]any{"type": "tool_use", "id": fmt.Sprintf("toolu_%d_%d", n, i), "name": c.Name,
			"input": json.RawMessage(c.Arguments)})
	}
	switch turn.Stop {
	case "":
	case "none":
		stop = nil
	default:
		stop = turn.Stop
	}
	deliver(w, turn, map[string]any{"id": "msg_1", "type": "message", "role": "assistant", "model": "scripted", "content": content,
		"stop_reason": stop, "usage": anthropicUsage(turn, orInt(turn.Out, 10))})
}

func anthropicUsage(turn Turn, out int) map[string]any {
	u := map[string]any{"input_tokens": orInt(turn.In, 100) - turn.Cached, "output_tokens": out}
	if turn.Cached > 0 {
		u["cache_read_input_tokens"], u["cache_creation_input_tokens"] = turn.Cached, 0
	}
	return u
}

func anthropicStream(w http.ResponseWriter, r *http.Request, turn Turn) {
	event := func(name string, v map[string]any) string {
		v["type"] = name
		raw, _ := json.Marshal(v)
		return "event: " + name + "\ndata: " + string(raw) + "\n\n"
	}
	events := []string{
		event("message_start", map[string]any{"message": map[string]any{"id": "msg_1", "role": "assistant", "model": "scripted", "type": "message",
			"usage": anthropicUsage(turn, 1)}}),
		event("content_block_start", map[string]any{"index": 0, "content_block": map[string]any{"type": "text", "text": ""}}),
	}
	for _, p := range pieces(turn.Text) {
		events = append(events, event("content_block_delta", map[string]any{"index": 0, "delta": map[string]any{"type": "text_delta", "text": p}}))
	}
	stop := turn.Stop
	if stop == "" {
		stop = "end_turn"
	}
	events = append(events, event("content_block_stop", map[string]any{"index": 0}),
		event("message_delta", map[string]any{"delta": map[string]any{"stop_reason": stop}, "usage": map[string]any{"output_tokens": orInt(turn.Out, 10)}}))
	stream(w, r, turn, events, event("error", map[string]any{"error": map[string]any{"type": "overloaded_error", "message": turn.StreamFail}}),
		event("message_stop", map[string]any{}))
}
