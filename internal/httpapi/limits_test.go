package httpapi

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"legwork/api"
	"legwork/internal/access"
	"legwork/internal/research"
	"legwork/internal/store/identities"
)

// TestLimitsAreSetAndRead sets limits, reads the limits and the usage back, and checks that the limits refuse requests.
func TestLimitsAreSetAndRead(t *testing.T) {
	t.Parallel()
	l := setupLocked(t)
	owner := l.users[access.Owner]
	text, id := l.key(identities.NewKey{UserID: &owner})
	with := append([]string{"Content-Type", "application/json"}, bearer(text)...)
	read := func(res response) (status api.LimitStatus) { res.into(http.StatusOK, &status); return status }
	put := func(path, body string) api.LimitStatus {
		return read(l.do("PUT", path, strings.NewReader(body), with...))
	}
	if res := l.post("/api/tasks", `{"question":"q"}`, with...); res.status != http.StatusCreated || res.header.Get("RateLimit-Limit") != "" {
		t.Errorf("without a limit: %d %v", res.status, res.header)
	}
	status := read(l.get("/api/limits", with...))
	if status.Own || status.Limits.TasksPerHour != nil || status.KeyID != nil {
		t.Errorf("at first: %+v", status)
	}
	status = put("/api/limits", `{"tasksPerHour":3,"dollarsPerMonth":1.25,"pagesPerMonth":null}`)
	if !status.Own || *status.Limits.TasksPerHour != 3 || *status.Limits.DollarsPerMonth != 1.25 || status.Limits.PagesPerMonth != nil {
		t.Errorf("after setting: %+v", status)
	}
	var made api.Task
	allowed := func(res response, left string) {
		t.Helper()
		res.into(http.StatusCreated, &made)
		reset, err := strconv.Atoi(res.header.Get("RateLimit-Reset"))
		if err != nil || reset < 1 || reset > 3600 || res.header.Get("RateLimit-Limit") != "3" || res.header.Get("RateLimit-Remaining") != left {
			t.Errorf("headers %v, want %s more", res.header, left)
		}
	}
	allowed(l.post("/api/tasks", `{"question":"q"}`, with...), "1")
	allowed(l.post("/api/tasks/"+made.TaskID+"/rerun", "", with...), "0")
	refused := l.post("/api/tasks", `{"question":"q"}`, with...)
	refused.wantError(http.StatusTooManyRequests, "rate_limited")
	after, err := strconv.Atoi(refused.header.Get("Retry-After"))
	if err != nil || after < 1 || after > 3600 || refused.header.Get("RateLimit-Limit") != "3" || refused.header.Get("RateLimit-Remaining") != "0" {
		t.Errorf("headers %v", refused.header)
	}
	status = read(l.get("/api/limits", with...))
	if status.Used.TasksThisHour != 3 || status.Used.TasksToday != 3 {
		t.Errorf("used: %+v", status.Used)
	}

	status = put("/api/limits?keyId="+id, `{"tasksPerDay":0}`)
	if status.KeyID == nil || *status.KeyID != id || status.Limits.TasksPerHour != nil {
		t.Errorf("of the key: %+v", status)
	}
	_, foreign := l.key(identities.NewKey{AccountID: "other"})
	for _, method := range []string{"GET", "PUT"} {
		l.do(method, "/api/limits?keyId="+foreign, strings.NewReader(`{}`), with...).wantError(http.StatusNotFound, "not_found")
		l.do(method, "/api/limits?keyId=x", strings.NewReader(`{}`), with...).wantError(http.StatusUnprocessableEntity, "validation_error", "keyId")
	}
	l.do("PUT", "/api/limits", strings.NewReader(`{"tasksPerHour":-1,"tasksPerDay":1.5,"openStreams":"1","dollarsPerMonth":-0.1,"more":1}`), with...).
		wantError(http.StatusUnprocessableEntity, "validation_error", "more", "tasksPerHour", "tasksPerDay", "openStreams", "dollarsPerMonth")
	status = put("/api/limits", `{}`)
	if !status.Own || status.Limits != (api.UsageLimits{}) {
		t.Errorf("after removing: %+v", status)
	}
	if entries, err := l.identities.Audit(t.Context(), "default", identities.AuditFilter{Action: "limits.set", Limit: 10}); err != nil || len(entries) != 3 || entries[2].ActorID != id {
		t.Errorf("%v: audit log %+v", err, entries)
	}
}

// TestOpenStreamsAreLimited checks that the limit on open streams of an account covers all processes together.
func TestOpenStreamsAreLimited(t *testing.T) {
	t.Parallel()
	l := setupLocked(t)
	other := setupLockedOn(t, l.store) // the API of another process on the same database
	text, _ := l.key(identities.NewKey{})
	open, err := l.api.server.tasks.Submit(t.Context(), "default", research.NewTask{Question: "q", Priority: research.Normal,
		Options: research.Options{MaxDepth: 3, MaxPages: 20, TimeBudget: time.Minute, SearchEngine: research.Library, MaxResults: 10}})
	if err != nil {
		t.Fatal(err)
	}
	path := fmt.Sprintf("/api/tasks/%s/stream", open.ID)
	events := fmt.Sprintf("/api/tasks/%s/events", open.ID)
	l.exec("INSERT INTO usage_limits (account_id, open_streams) VALUES ('default', 2)")
	first := l.dial(path, bearer(text)...)
	other.dial(path, bearer(text)...)
	refused := l.get(events, append([]string{"Accept", "text/event-stream"}, bearer(text)...)...)
	refused.wantError(http.StatusTooManyRequests, "rate_limited")
	if refused.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	_ = first.CloseNow()
	l.eventually("a stream is free", func() bool {
		var n int
		if err := l.store.Pool().QueryRow(t.Context(), "SELECT sum(streams) FROM open_streams").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n == 1
	})
	other.dial(path, bearer(text)...)
	l.exec("UPDATE open_streams SET seen_at = now() - interval '1 minute'") // as if the processes had died a minute ago
	l.dial(path, bearer(text)...)
}
