package httpapi

import (
	"fmt"
	"strings"
	"testing"

	"legwork/api"
	"legwork/internal/research"
)

func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	r := setupReal(t)
	key := `7f9c,"a%20b"+/=~!`
	var first, again api.Task
	posted := r.post("/api/tasks", `{"question":"q","maxDepth":3}`, "Idempotency-Key", key)
	posted.into(201, &first)
	if h := posted.header.Get("Idempotency-Replayed"); h != "" {
		t.Errorf("the first answer is replayed: %q", h)
	}
	replay := r.post("/api/tasks", `{"max_depth": 3.0, "question":"q", "safeMode": null, "allowDomains": [], "unknown": 1}`, "Idempotency-Key", key)
	replay.into(201, &again)
	if again.TaskID != first.TaskID || replay.header.Get("Idempotency-Replayed") != "true" ||
		replay.header.Get("Location") != posted.header.Get("Location") || string(replay.body) != string(posted.body) {
		t.Errorf("replay %v %s\nfirst %s", replay.header, replay.body, posted.body)
	}
	e := r.post("/api/tasks", `{"question":"another"}`, "Idempotency-Key", key).wantError(422, "validation_error", "idempotencyKey")
	if !strings.Contains(e.Error, "new key") {
		t.Errorf("message %q does not say what to do", e.Error)
	}
	if res := r.do("DELETE", "/api/tasks/"+first.TaskID, nil); res.status != 204 {
		t.Fatalf("delete: %d", res.status)
	}
	r.post("/api/tasks", `{"question":"q","maxDepth":3}`, "Idempotency-Key", key).wantError(410, "gone")
	for _, bad := range []string{"", "a b", "\xc3\xa9", strings.Repeat("k", 256)} {
		r.post("/api/tasks", `{"question":"q"}`, "Idempotency-Key", bad).wantError(422, "validation_error", "idempotencyKey")
	}
	if n := r.rows(); n != 0 {
		t.Errorf("%d tasks are stored", n)
	}
}

func TestQueueFull(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.set(func() { b.err = fmt.Errorf("submit: %w", research.ErrQueueFull) })
	for _, header := range [][]string{nil, {"Idempotency-Key", "k"}} {
		res := b.post("/api/tasks", `{"question":"q"}`, header...)
		res.wantError(503, "queue_full")
		if res.header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	}
}
