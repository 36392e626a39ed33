package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"legwork/api"
	"legwork/internal/dbtest"
	"legwork/internal/testsite"
)

// soon bounds the time from a cancel to its effect in another process. The intended time is one second, but busy
// machines need more. The tests log the measured time.
const soon = 3 * time.Second

// endless is an HTTP handler that never answers. It signals when a request has arrived, and when its client has left.
type endless struct {
	came, left chan time.Time
	once       [2]sync.Once
}

func newEndless() *endless {
	return &endless{came: make(chan time.Time, 1), left: make(chan time.Time, 1)}
}

// ServeHTTP implements http.Handler.
func (e *endless) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	e.once[0].Do(func() { e.came <- time.Now() })
	<-r.Context().Done()
	e.once[1].Do(func() { e.left <- time.Now() })
}

// when waits until c sends the time of an event, and returns that time. what describes the event in the failure
// message.
func when(t *testing.T, what string, c <-chan time.Time) time.Time {
	t.Helper()
	select {
	case at := <-c:
		return at
	case <-time.After(waitLimit):
		t.Fatalf("never: %s", what)
		return time.Time{}
	}
}

// loseNotifications makes pg_notify do nothing on all connections that are opened from now on.
func loseNotifications(t *testing.T, url string) {
	t.Helper()
	_, err := dbtest.Open(t, url).Pool().Exec(t.Context(), `
		CREATE SCHEMA deaf;
		CREATE FUNCTION deaf.pg_notify(text, text) RETURNS void LANGUAGE sql AS '';
		DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = public, deaf, pg_catalog', current_database()); END $$`)
	if err != nil {
		t.Fatal(err)
	}
}

// TestCancelReachesAnotherProcess cancels a task through an API process while its run waits in a worker process. The server or
// model that the run waits for must see the end of the request within a second. This must hold for every kind of wait, also when
// the notification is lost.
func TestCancelReachesAnotherProcess(t *testing.T) {
	for _, lost := range []bool{false, true} {
		for name, wait := range map[string]func(t *testing.T, w *world) (task api.Task, c *client, ended func() time.Time){
			"page load":       cancelledLoad,
			"model call":      cancelledCall,
			"politeness wait": cancelledWait,
		} {
			t.Run(fmt.Sprintf("%s, notification lost %v", name, lost), func(t *testing.T) {
				w := newWorld(t)
				if lost {
					loseNotifications(t, w.url)
				}
				task, c, ended := wait(t, w)
				asked := time.Now()
				var got api.Task
				if err := c.do(w.ctx(), http.MethodPost, "/api/tasks/"+task.TaskID+"/cancel", nil, &got); err != nil || got.Status != api.StatusCancelled {
					t.Fatalf("cancel: %+v, %v", got.Status, err)
				}
				took := ended().Sub(asked)
				t.Logf("the %s ended %v after the cancel was asked for", name, took.Round(time.Millisecond))
				if took > soon {
					t.Errorf("the %s ended %v after the cancel was asked for", name, took)
				}
			})
		}
	}
}

// cancelledLoad cancels a task while a worker loads a page that never arrives.
func cancelledLoad(t *testing.T, w *world) (api.Task, *client, func() time.Time) {
	page := newEndless()
	w.site.Handle("/never.html", page.ServeHTTP)
	c := w.serve(roleAPI)
	w.start(settings(w.url, w.dir), "worker")
	task := w.ask(c, map[string]any{"seedUrl": w.site.URL("/never.html")})
	when(t, "the page is asked for", page.came)
	return task, c, func() time.Time { return when(t, "the site's client leaves", page.left) }
}

// cancelledCall cancels a task while a worker calls a model that never answers.
func cancelledCall(t *testing.T, w *world) (api.Task, *client, func() time.Time) {
	model, mux := newEndless(), http.NewServeMux()
	mux.Handle("POST /v1/chat/completions", model)
	mux.HandleFunc("GET /v1/models", func(rw http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(rw, `{"object":"list","data":[{"id":"scripted","object":"model"}]}`)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	env := []string{"LLM_PROVIDER=openai", "LLM_BASE_URL=" + server.URL + "/v1", "LLM_MODEL=scripted"}
	c := w.serve(roleAPI, env...)
	w.start(append(settings(w.url, w.dir), env...), "worker")
	task := w.ask(c, nil)
	when(t, "the model is called", model.came)
	return task, c, func() time.Time { return when(t, "the model's client leaves", model.left) }
}

// cancelledWait cancels a task while it occupies a worker's only slot and waits because a site asked for fewer
// requests. The returned function waits until the next task gets the slot, which shows that the cancelled task no
// longer waits.
func cancelledWait(t *testing.T, w *world) (api.Task, *client, func() time.Time) {
	const alone = 50 * time.Second
	st := dbtest.Open(t, w.url)
	for _, domain := range []string{w.site.Host(), "127.0.0.1"} {
		if err := st.Worker().BackoffDomain(w.ctx(), domain, alone); err != nil {
			t.Fatal(err)
		}
	}
	c := w.serve(roleAPI)
	w.start(settings(w.url, w.dir, "MAX_CONCURRENT_TASKS=1"), "worker")
	task := w.ask(c, nil)
	eventually(t, "the run waits", func() (waits bool) {
		err := st.Pool().QueryRow(w.ctx(), "SELECT EXISTS (SELECT 1 FROM domain_grants)").Scan(&waits)
		return err == nil && waits
	})
	other, next := testsite.Start(t), newEndless()
	other.Handle("/next.html", next.ServeHTTP)
	_, port, err := net.SplitHostPort(other.Host())
	if err != nil {
		t.Fatal(err)
	}
	w.ask(c, map[string]any{"seedUrl": "http://localhost:" + port + "/next.html"})
	return task, c, func() time.Time { return when(t, "the next task has the slot", next.came) }
}
