package testsite

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// Google starts a scripted model that speaks the Gemini API, without server-sent events.
func Google(t testing.TB, script Script) *LLM {
	t.Helper()
	return startLLM(t, script, (*LLM).serveGoogle)
}

// Root is the server's URL without a path, the base URL for the Gemini API.
func (l *LLM) Root() string { return l.server.URL }

func (l *LLM) serveGoogle(w http.ResponseWriter, r *http.Request) {
	fail := func(status int, code, message string) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{"code": status, "status": code, "message": message}})
	}
	if l.refuse(r, r.Header.Get("X-Goog-Api-Key"), fail, func(_ []string, asked string) {
		deliver(w, Turn{}, map[string]any{"name": "models/" + asked})
	}) {
		return
	}
	streamed := strings.HasSuffix(r.URL.Path, ":streamGenerateContent") // an array of replies, not events
	if !streamed && !strings.HasSuffix(r.URL.Path, ":generateContent") {
		fail(http.StatusNotFound, "NOT_FOUND", "no such path")
		return
	}
	_, turn, _, ok := l.next(w, r, fail)
	if !ok {
		return
	}
	parts, stop := []any{}, "STOP"
	if turn.Text != "" {
		parts = append(parts, map[string]any{"text": turn.Text})
	}
	for _, c := range turn.Calls {
		parts = append(parts, map[string]any{"functionCall": map[string]any{"name": c.Name, "args": json.RawMessage(c.Arguments)}})
	}
	candidate := map[string]any{"index": 0, "content": map[string]any{"role": "model", "parts": parts}}
	if turn.Stop != "" {
		stop = turn.Stop
	}
	if stop != "none" {
		candidate["finishReason"] = stop
	}
	in, out := orInt(turn.In, 100), orInt(turn.Out, 10)
	var reply any = map[string]any{"candidates": []any{candidate},
		"usageMetadata": map[string]any{"promptTokenCount": in, "candidatesTokenCount": out, "totalTokenCount": in + out}}
	if streamed {
		reply = []any{reply}
	}
	deliver(w, turn, reply)
}
