package main

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"legwork/api"
	"legwork/internal/auth/apikey"
)

// required returns the settings of a server with access control, and an API key that is valid from the start.
func required() (settings []string, key string) {
	key = apikey.New().Reveal()
	return []string{"AUTH_MODE=required", "LEGWORK_BOOTSTRAP_KEY=" + key}, key
}

// with returns a copy of the client that sends an API key.
func (c *client) with(key string) *client {
	other := *c
	other.key = key
	return &other
}

// newKey creates an API key through the API.
func (w *world) newKey(c *client, scopes ...string) api.CreatedAPIKey {
	w.t.Helper()
	var made api.CreatedAPIKey
	if err := c.do(w.ctx(), "POST", "/api/keys", map[string]any{"name": "test", "scopes": scopes}, &made); err != nil {
		w.t.Fatal(err)
	}
	return made
}

// openEvents opens a stream of server-sent events and reads until the first event.
func (w *world) openEvents(c *client, id string) *bufio.Reader {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.ctx(), http.MethodGet, c.base+"/api/tasks/"+id+"/events", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Accept", "text/event-stream")
	req.Header.Set("Authorization", "Bearer "+c.key)
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil || res.StatusCode != http.StatusOK {
		w.t.Fatalf("%v, %v", res, err)
	}
	w.t.Cleanup(func() { _ = res.Body.Close() })
	lines := bufio.NewReader(res.Body)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			w.t.Fatal(err)
		}
		if strings.HasPrefix(line, "data:") {
			return lines
		}
	}
}

// openStreams opens a WebSocket and a stream of server-sent events, and reads the first event of each.
func (w *world) openStreams(c *client, id string) (*websocket.Conn, *bufio.Reader) {
	w.t.Helper()
	socket, err := dialStream(w.ctx(), c, id, 0)
	if err == nil {
		_, _, err = socket.Read(w.ctx())
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return socket, w.openEvents(c, id)
}

// awaitEnds waits until the server has ended both streams because their credential is no longer valid. The channel
// gets the time at which the second one ended.
func (w *world) awaitEnds(socket *websocket.Conn, events *bufio.Reader) <-chan time.Time {
	both, ctx := make(chan time.Time, 1), w.ctx()
	go func() {
		_, _, err := socket.Read(ctx)
		if websocket.CloseStatus(err) != 4401 {
			w.t.Errorf("the WebSocket ended with %v, want close 4401", err)
		}
		if _, err := io.Copy(io.Discard, events); err != nil {
			w.t.Errorf("the event stream broke: %v", err)
		}
		both <- time.Now()
	}()
	return both
}

// TestRevocationAcrossProcesses runs two API processes on one database. When one of them revokes a key, the key's
// open streams of both kinds at the other process must end within a second, and that process must refuse the key.
// Streams of another key must continue.
func TestRevocationAcrossProcesses(t *testing.T) {
	w := newWorld(t)
	access, root := required()
	first := w.api(w.start(settings(w.url, w.dir, access...), "serve", "--role", "api")).with(root)
	second := w.api(w.start(settings(w.url, w.dir, access...), "serve", "--role", "api"))
	task := w.ask(first, nil)
	doomed, other := w.newKey(first, "tasks:read"), w.newKey(first, "tasks:read")
	ended := w.awaitEnds(w.openStreams(second.with(doomed.Key), task.TaskID))
	otherSocket, otherEvents := w.openStreams(second.with(other.Key), task.TaskID)
	began := time.Now()
	if err := first.do(w.ctx(), "DELETE", "/api/keys/"+doomed.APIKey.ID, nil, nil); err != nil {
		t.Fatal(err)
	}
	took := (<-ended).Sub(began)
	t.Logf("the streams in the other process ended %v after the request to revoke", took.Round(time.Millisecond))
	if took > time.Second {
		t.Errorf("the streams ended %v after the revocation", took)
	}
	var refused *apiError
	err := second.with(doomed.Key).do(w.ctx(), "GET", "/api/tasks", nil, nil)
	if !errors.As(err, &refused) || refused.Status != http.StatusUnauthorized || !strings.Contains(refused.Message, "revoked") {
		t.Errorf("the revoked key: %v", err)
	}
	if err := first.do(w.ctx(), "POST", "/api/tasks/"+task.TaskID+"/cancel", nil, nil); err != nil {
		t.Fatal(err)
	}
	if frames, status, err := readAll(w.ctx(), otherSocket); len(frames) != 1 || status != websocket.StatusNormalClosure {
		t.Errorf("the WebSocket of another key: %v, %d, %v", frames, status, err)
	}
	if rest, err := io.ReadAll(otherEvents); err != nil || !strings.Contains(string(rest), `"cancelled"`) {
		t.Errorf("the event stream of another key: %s, %v", rest, err)
	}
}

// TestExpiryEndsStreams checks that the open streams of a key end when the key expires, and that the key is refused
// afterwards.
func TestExpiryEndsStreams(t *testing.T) {
	w := newWorld(t)
	access, root := required()
	c := w.serve(roleAPI, access...).with(root)
	task := w.ask(c, nil)
	expiry := time.Now().Add(3 * time.Second)
	var key api.CreatedAPIKey
	if err := c.do(w.ctx(), "POST", "/api/keys", map[string]any{"name": "short", "scopes": []string{"tasks:read"}, "expiresAt": expiry}, &key); err != nil {
		t.Fatal(err)
	}
	late := (<-w.awaitEnds(w.openStreams(c.with(key.Key), task.TaskID))).Sub(expiry)
	if late < -100*time.Millisecond || late > time.Second {
		t.Errorf("the streams ended %v after the expiry", late)
	}
	var refused *apiError
	if err := c.with(key.Key).do(w.ctx(), "GET", "/api/tasks", nil, nil); !errors.As(err, &refused) || refused.Status != http.StatusUnauthorized {
		t.Errorf("the expired key: %v", err)
	}
}

// TestStrangersSeeNothing checks that an account can read everything that its finished task links to, and that
// another account gets 404 for all of it.
func TestStrangersSeeNothing(t *testing.T) {
	w := newWorld(t)
	access, root := required()
	env := settings(w.url, w.dir, access...)
	c := w.serve(roleAll, access...).with(root)
	done := w.await(c, w.ask(c, nil).TaskID)
	if status, out, errs := w.run(w.ctx(), env, "accounts", "create", "other"); status != 0 {
		t.Fatalf("accounts create: %d %s %s", status, out, errs)
	}
	status, out, errs := w.run(w.ctx(), env, "keys", "create", "--account", "other", "--name", "stranger", "--scope", "admin")
	if status != 0 {
		t.Fatalf("keys create: %d %s %s", status, out, errs)
	}
	stranger := c.with(strings.TrimSpace(out))
	base := "/api/tasks/" + done.TaskID
	paths := []string{base, base + "/events", base + "/artifacts", base + "/pages", base + "/artifacts/result.json"}
	var files api.Artifacts
	if err := c.do(w.ctx(), "GET", base+"/artifacts", nil, &files); err != nil {
		t.Fatal(err)
	}
	for _, f := range files.Files {
		paths = append(paths, f.URL)
	}
	var pages api.PageList
	if err := c.do(w.ctx(), "GET", base+"/pages", nil, &pages); err != nil {
		t.Fatal(err)
	}
	read := 0
	for _, page := range pages.Pages {
		if page.PageID != nil {
			paths = append(paths, base+"/pages/"+*page.PageID, base+"/pages/"+*page.PageID+"?format=html")
			read++
		}
	}
	if len(files.Files) < 3 || read == 0 {
		t.Fatalf("%d files and %d pages: too few to show anything", len(files.Files), read)
	}
	for _, path := range paths {
		if status, body := w.body(c, path); status != http.StatusOK {
			t.Errorf("%s for its account: %d %s", path, status, body)
		}
		if status, body := w.body(stranger, path); status != http.StatusNotFound {
			t.Errorf("%s for a stranger: %d %s", path, status, body)
		}
		if status, body := w.body(c.with(""), path); status != http.StatusUnauthorized {
			t.Errorf("%s for anybody: %d %s", path, status, body)
		}
	}
}

// TestKeysOnTheCommandLine creates, lists and revokes keys by commands while a server runs. The server must apply
// each change at once.
func TestKeysOnTheCommandLine(t *testing.T) {
	w := newWorld(t)
	access, root := required()
	env := settings(w.url, w.dir, access...)
	c := w.serve(roleAPI, access...)
	if err := c.do(w.ctx(), "GET", "/api/tasks", nil, nil); err == nil {
		t.Fatal("anybody may list tasks")
	}
	run := func(want int, says string, args ...string) string {
		t.Helper()
		status, out, errs := w.run(w.ctx(), env, args...)
		if status != want || !strings.Contains(out+errs, says) {
			t.Errorf("%v: status %d, want %d and %q:\n%s\n%s", args, status, want, says, out, errs)
		}
		return strings.TrimSpace(out)
	}
	key := run(0, "lw_", "keys", "create", "--name", "night shift", "--scope", "tasks:read", "--scope", "library:read", "--net", "127.0.0.0/8", "--expires", "720h")
	id := strings.Split(key, "_")[1]
	if err := c.with(key).do(w.ctx(), "GET", "/api/tasks", nil, nil); err != nil {
		t.Errorf("the new key: %v", err)
	}
	run(0, "night shift", "keys", "list")
	if list := run(0, id, "keys", "list"); strings.Contains(list, key) || !strings.Contains(list, "tasks:read,library:read") || !strings.Contains(list, "until ") {
		t.Errorf("list: %s", list)
	}
	run(0, "revoked", "keys", "revoke", id)
	eventually(t, "the server hears of the revocation", func() bool {
		return c.with(key).do(w.ctx(), "GET", "/api/tasks", nil, nil) != nil
	})
	run(0, "revoked 2", "keys", "list")
	run(1, "has no key", "keys", "revoke", "--account", "default", "0000000000000000")
	run(1, "legwork keys revoke ID", "keys", "revoke")
	run(1, "choose of tasks:read", "keys", "create", "--name", "x", "--scope", "everything")
	run(1, "name a network", "keys", "create", "--name", "x", "--scope", "admin", "--net", "10")
	run(1, "name a duration", "keys", "create", "--name", "x", "--scope", "admin", "--expires", "soon")
	run(1, "there is no account nowhere", "keys", "create", "--name", "x", "--scope", "admin", "--account", "nowhere")
	run(1, "--name must have", "keys", "create", "--name", " ", "--scope", "admin")
	run(0, "exists", "accounts", "create", "lab", "--name", "The lab")
	run(1, "already", "accounts", "create", "lab")
	run(1, "name one id", "accounts", "create", "The Lab")
	run(0, "The lab", "accounts", "list")

	// The audit log must contain these changes.
	var log api.AuditLog
	if err := c.with(root).do(w.ctx(), "GET", "/api/audit", nil, &log); err != nil {
		t.Fatal(err)
	}
	var actions []string
	for _, e := range log.Entries {
		actions = append(actions, string(e.ActorKind)+" "+e.Action)
	}
	if got, want := strings.Join(actions, ", "), "operator key.revoke, operator key.create, system key.keep"; got != want {
		t.Errorf("audit log: %s; want %s", got, want)
	}
}

// TestBootstrapKey checks that the key of LEGWORK_BOOTSTRAP_KEY works, and that it still works after a start without
// the variable. When the key is revoked, it must be refused until the next start with the variable.
func TestBootstrapKey(t *testing.T) {
	w := newWorld(t)
	access, root := required()
	id := strings.Split(root, "_")[1]
	works := func(c *client) bool { return c.with(root).do(w.ctx(), "GET", "/api/keys", nil, nil) == nil }
	if !works(w.serve(roleAPI, access...)) {
		t.Fatal("the key does not work")
	}
	later := w.serve(roleAPI, "AUTH_MODE=required")
	if !works(later) {
		t.Error("the key does not work after a start without it")
	}
	if status, out, errs := w.run(w.ctx(), settings(w.url, w.dir), "keys", "revoke", id); status != 0 {
		t.Fatal(out, errs)
	}
	eventually(t, "the key is revoked", func() bool { return !works(later) })
	if !works(w.serve(roleAPI, access...)) {
		t.Error("the key does not work after a start with it")
	}
}

// TestModes checks that access control is the default, and that a server without access control starts only on
// loopback addresses, unless AUTH_ALLOW_INSECURE is set.
func TestModes(t *testing.T) {
	w := newWorld(t)
	status, _, errs := w.run(w.ctx(), settings(w.url, w.dir, "API_HOST=0.0.0.0"), "serve", "--role", "api")
	if status != 1 || !strings.Contains(errs, "AUTH_ALLOW_INSECURE") {
		t.Errorf("off on every address: status %d, %s", status, errs)
	}
	for _, env := range [][]string{{"API_HOST=localhost"}, {"API_HOST=127.0.0.5"}, {"API_HOST=0.0.0.0", "AUTH_ALLOW_INSECURE=1"}} {
		if err := w.serve(roleAPI, env...).do(w.ctx(), "GET", "/api/tasks", nil, nil); err != nil {
			t.Errorf("%v: %v", env, err)
		}
	}
	p := w.start(settings(w.url, w.dir, "API_HOST=0.0.0.0", "AUTH_ALLOW_INSECURE=1"), "serve", "--role", "api")
	if line := w.line(p, "there is no access control"); !strings.Contains(line, "level=WARN") {
		t.Error(line)
	}
	var refused *apiError
	err := w.serve(roleAPI, "AUTH_MODE=").do(w.ctx(), "GET", "/api/tasks", nil, nil)
	if !errors.As(err, &refused) || refused.Status != http.StatusUnauthorized {
		t.Errorf("by default: %v", err)
	}
	// A worker has no API, so the mode does not matter to it.
	w.start(settings(w.url, w.dir, "API_HOST=0.0.0.0"), "worker")
	eventually(t, "the worker works", func() bool { return w.count("SELECT count(*) FROM workers") > 0 })
}
