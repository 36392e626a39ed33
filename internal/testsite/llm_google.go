package testsite

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// Google starts a scripted model that behaves like the Gemini API's endpoint for OpenAI's protocol: it refuses the same requests, and its errors
// have Google's form. A model whose name contains "gemini-3" requires thought signatures.
func Google(t testing.TB, script Script) *LLM {
	t.Helper()
	l := startLLM(t, script, (*LLM).serveGoogle)
	l.base = "/v1beta/openai"
	return l
}

func (l *LLM) serveGoogle(w http.ResponseWriter, r *http.Request) {
	fail := func(status int, code, message string) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode([]any{map[string]any{"error": map[string]any{"code": status, "status": code, "message": message}}})
	}
	key := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if l.refuse(r, key, fail, func(_ []string, asked string) {
		deliver(w, Turn{}, map[string]any{"id": "models/" + asked, "object": "model"})
	}) {
		return
	}
	if r.URL.Path != l.base+"/chat/completions" {
		fail(http.StatusNotFound, "NOT_FOUND", "no such path")
		return
	}
	req, turn, n, ok := l.next(w, r, fail)
	if !ok {
		return
	}
	if complaint := googleComplaint(req); complaint != "" {
		fail(http.StatusBadRequest, "INVALID_ARGUMENT", complaint)
		return
	}
	replyOpenAI(w, r, req, turn, n)
}

// googleComplaint returns the error with which the Gemini API would refuse the messages of a request, or an empty string.
func googleComplaint(req ModelRequest) string {
	model, _ := req.Body["model"].(string)
	for _, m := range req.Messages() {
		calls, _ := m["tool_calls"].([]any)
		text, _ := json.Marshal(m["content"])
		if len(calls) == 0 && (string(text) == "null" || string(text) == `""` || strings.Contains(string(text), `"text":""`)) {
			return "Unable to submit request because it must have a text parameter."
		}
		if len(calls) > 0 && strings.Contains(model, "gemini-3") {
			if raw, _ := json.Marshal(calls[0]); !strings.Contains(string(raw), `"extra_content":{"google":{"thought_signature":"`) {
				return "Function call is missing a thought_signature in functionCall parts."
			}
		}
	}
	return ""
}
