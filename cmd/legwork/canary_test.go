package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/coder/websocket"
	"github.com/jackc/pgx/v5"
)

// TestCanary uses every kind of secret in one run of the whole program, in which a model, a search engine, logins and requests fail, and
// then looks for each secret in all that the program has written: log, answers, events, files, doctor, and every row of the database.
func TestCanary(t *testing.T) {
	w := newWorld(t)
	ctx := w.ctx()
	random := func() string { return strings.ToLower(rand.Text()) }
	secrets := map[string]string{"database password": random(), "model key": "sk-" + random(), "search key": random(), "OIDC secret": random(), "password": "Aa1-" + random(),
		"wrong password": "Bb2-" + random(), "new password": "Cc3-" + random(), "secret key": random() + random(), "password of a database that does not answer": random()}

	// The database role has a password made for this test, because the password of the test server may be any word,
	// which could also occur elsewhere in the output.
	admin, err := pgx.Connect(ctx, w.url)
	if err != nil {
		t.Fatal(err)
	}
	role := "legwork_test_" + random()[:12]
	if _, err := admin.Exec(ctx, "CREATE ROLE "+role+" SUPERUSER LOGIN PASSWORD '"+secrets["database password"]+"'"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := admin.Exec(context.Background(), "DROP ROLE "+role); err != nil {
			t.Error(err)
		}
		_ = admin.Close(context.Background())
	})
	u, err := url.Parse(w.url)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(role, secrets["database password"])
	w.url = u.String()

	// This model refuses the key and repeats it in its error message, as some real models do.
	var shown atomic.Int64
	model := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.Header.Get("Authorization"), secrets["model key"]) {
			shown.Add(1)
		}
		rw.WriteHeader(http.StatusUnauthorized)
		_, _ = fmt.Fprintf(rw, `{"error":{"message":"Incorrect API key provided: %s"}}`, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	}))
	t.Cleanup(model.Close)

	bootstrap := make([]byte, 32)
	_, _ = rand.Read(bootstrap)
	secrets["key"] = base64.RawURLEncoding.EncodeToString(bootstrap)
	key := "lw_0123456789abcdef_" + secrets["key"]
	env := []string{"AUTH_MODE=required", "LEGWORK_BOOTSTRAP_KEY=" + key, "LLM_PROVIDER=openai", "LLM_BASE_URL=" + model.URL, "LLM_MODEL=m", "LLM_API_KEY=" + secrets["model key"],
		"GOOGLE_API_KEY=" + secrets["search key"], "GOOGLE_SEARCH_ENGINE_ID=x", "OIDC_ISSUER=" + model.URL, "OIDC_CLIENT_ID=legwork", "OIDC_CLIENT_SECRET=" + secrets["OIDC secret"],
		"LEGWORK_SECRET_KEY=" + secrets["secret key"], "PUBLIC_URL=http://127.0.0.1:8000", "LOG_TARGET=file", "LOG_FILE=" + filepath.Join(w.dir, "legwork.log"), "LOG_LEVEL=debug"}
	c := w.serve(roleAll, env...)
	c.key = key

	var told strings.Builder // all responses that must not contain a secret
	call := func(method, path, body string, header ...string) (int, string, http.Header) {
		t.Helper()
		req, err := http.NewRequestWithContext(ctx, method, c.base+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		for i := 0; i+1 < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(text), res.Header
	}
	bearer := []string{"Authorization", "Bearer " + key}
	made := func(path, body, field string, header ...string) string {
		t.Helper()
		status, text, _ := call("POST", path, body, header...)
		var out map[string]any
		if err := json.Unmarshal([]byte(text), &out); err != nil || status != http.StatusCreated {
			t.Fatalf("POST %s: %d %s", path, status, text)
		}
		value, _ := out[field].(string)
		if value == "" {
			t.Fatalf("POST %s: no %s in %s", path, field, text)
		}
		return value
	}
	secretOf := func(token string) string { return token[max(0, len(token)-43):] } // 32 bytes in base64url, after an id
	token := made("/api/invitations", `{"role":"admin"}`, "token", bearer...)
	secrets["invitation"] = secretOf(token)
	accept := fmt.Sprintf(`{"token":%q,"email":"a@example.org","name":"A","password":%q}`, token, secrets["password"])
	if status, text, _ := call("POST", "/api/auth/invitations/accept", accept); status != http.StatusOK {
		t.Fatalf("accept: %d %s", status, text)
	}
	status, text, header := call("POST", "/api/auth/login", fmt.Sprintf(`{"email":"a@example.org","password":%q}`, secrets["password"]))
	if status != http.StatusOK {
		t.Fatalf("login: %d %s", status, text)
	}
	cookie := strings.SplitN(header.Get("Set-Cookie"), ";", 2)[0]
	secrets["session"] = secretOf(cookie)
	browser := []string{"Cookie", cookie}
	secrets["second key"] = secretOf(made("/api/keys", `{"name":"k","scopes":["tasks:read"]}`, "key", bearer...))
	secrets["ticket"] = secretOf(made("/api/auth/tickets", "", "ticket", browser...))
	secrets["unused ticket"] = secretOf(made("/api/auth/tickets", "", "ticket", browser...))
	secrets["ticket of a WebSocket"] = secretOf(made("/api/auth/tickets", "", "ticket", browser...))

	// The token in a seed URL is stored with the task, for the run. It must not be in the log, and not in the task that another
	// member sees.
	seedToken := random()
	seeded := w.await(c, w.ask(c, map[string]any{"seedUrl": w.site.URL("/index.html?access_token=" + seedToken)}).TaskID)
	var seen strings.Builder
	for _, path := range []string{"/api/tasks/" + seeded.TaskID, "/api/tasks", "/api/history"} {
		_, text, _ := call("GET", path, "", browser...)
		seen.WriteString(text)
	}
	if !strings.Contains(seen.String(), seeded.TaskID) || strings.Contains(seen.String(), seedToken) {
		t.Errorf("another member does not see the task, or sees the token of its seed URL: %s", seen.String())
	}

	// These requests and commands fail. Their output is searched for secrets below.
	task := w.await(c, w.ask(c, map[string]any{"seedUrl": nil, "searchEngine": "google"}).TaskID)
	if status, text, _ := call("GET", "/api/tasks/"+task.TaskID+"/events?ticket="+secrets["ticket"], "", "Accept", "text/event-stream"); status != http.StatusOK {
		t.Fatalf("an event stream by ticket: %d %s", status, text)
	} else {
		told.WriteString(text)
	}
	told.WriteString(readSocket(t, "ws"+strings.TrimPrefix(c.base, "http")+"/api/tasks/"+task.TaskID+"/stream?ticket="+secrets["ticket of a WebSocket"]))
	for _, r := range [][]string{
		{"POST", "/api/auth/login", fmt.Sprintf(`{"email":"a@example.org","password":%q}`, secrets["wrong password"])},
		{"POST", "/api/auth/invitations/accept", accept},
		{"POST", "/api/auth/password", fmt.Sprintf(`{"currentPassword":%q,"newPassword":%q}`, secrets["wrong password"], secrets["new password"]), "cookie"},
		{"GET", "/api/tasks", "", "broken"}, {"GET", "/api/tasks/" + task.TaskID + "/events?ticket=" + secrets["ticket"], ""},
		{"GET", "/api/auth/openid/login", ""}, {"GET", "/api/tasks/" + task.TaskID, "", "key"}, {"GET", "/api/tasks/" + task.TaskID + "/events", "", "key"},
		{"GET", "/artifacts/" + task.TaskID + "/logs.txt", "", "key"}, {"GET", "/health", "", "key"}, {"GET", "/api/keys", "", "key"}, {"GET", "/api/audit", "", "key"},
		{"GET", "/api/members", "", "key"}, {"GET", "/api/invitations", "", "key"}, {"GET", "/api/auth/me", "", "cookie"}, {"GET", "/api/auth/sessions", "", "cookie"},
	} {
		var headers []string
		switch strings.Join(r[3:], "") {
		case "key":
			headers = bearer
		case "cookie":
			headers = browser
		case "broken":
			headers = []string{"Authorization", "Bearer " + key + "x"}
		}
		status, text, _ := call(r[0], r[1], r[2], headers...)
		fmt.Fprintf(&told, "%s %s: %d %s\n", r[0], r[1][:min(len(r[1]), 40)], status, text)
	}
	_, out, errs := w.run(ctx, settings(w.url, w.dir, env...), "doctor")
	told.WriteString(out + errs)
	_, out, errs = w.run(ctx, settings(w.url, w.dir, append(env, "API_PORT=x")...), "serve") // a configuration that is refused
	told.WriteString(out + errs)

	for _, dsn := range []string{"postgres://nobody:%s@127.0.0.1:1/x?connect_timeout=2", "postgres://nobody:%s@127.0.0.1:port/x", "host=127.0.0.1 port=1 user=nobody password=%s",
		"host=127.0.0.1 password=%s sslmode=perhaps", strings.Replace(w.url, role+":"+secrets["database password"], "legwork_test_nobody:%s", 1)} {
		dsn = strings.Replace(dsn, "%s", secrets["password of a database that does not answer"], 1)
		for _, command := range []string{"serve", "worker", "doctor", "migrate"} {
			status, out, errs := w.run(ctx, settings(dsn, w.dir, env...), command)
			if status == 0 {
				t.Errorf("%s started without a database", command)
			}
			told.WriteString(out + errs)
		}
	}

	written := map[string]string{"answers and commands": told.String(), "database": dump(t, admin)}
	err = filepath.WalkDir(w.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		written[path] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(written) < 3 || shown.Load() == 0 || !strings.Contains(written["database"], "a@example.org") || !strings.Contains(told.String(), "401") {
		t.Fatalf("too little was written to mean something: %d places", len(written))
	}
	if log := written[filepath.Join(w.dir, "legwork.log")]; log == "" || strings.Contains(log, seedToken) {
		t.Error("there is no log, or it has the token of a seed URL")
	}
	for kind, secret := range secrets {
		if len(secret) < 20 {
			t.Errorf("the %s %q is too short to be looked for", kind, secret)
		}
		for place, content := range written {
			if at := strings.Index(content, secret); at >= 0 {
				t.Errorf("the %s is in %s: …%q", kind, place, content[max(0, at-120):at])
			}
		}
	}
}

// readSocket reads a WebSocket to its end, and returns the frames.
func readSocket(t *testing.T, address string) string {
	t.Helper()
	conn, _, err := websocket.Dial(t.Context(), address, nil)
	if err != nil {
		t.Fatalf("a WebSocket by ticket: %v", err)
	}
	defer func() { _ = conn.CloseNow() }()
	var all strings.Builder
	for {
		_, frame, err := conn.Read(t.Context())
		if websocket.CloseStatus(err) == websocket.StatusNormalClosure {
			return all.String()
		}
		if err != nil {
			t.Fatalf("a WebSocket by ticket: %v", err)
		}
		all.Write(frame)
	}
}

// dump returns all rows of all tables as text.
func dump(t *testing.T, conn *pgx.Conn) string {
	t.Helper()
	rows, err := conn.Query(t.Context(), "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "+
		"WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')")
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, table := range tables {
		if _, err := conn.PgConn().CopyTo(t.Context(), &out, "COPY "+table+" TO STDOUT"); err != nil {
			t.Fatalf("%s: %v", table, err)
		}
	}
	return out.String()
}
