package main

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"legwork/api"
)

// person is somebody with a browser: an HTTP client with cookies that sends forms.
type person struct {
	t    *testing.T
	http *http.Client
}

func newPerson(t *testing.T) *person {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &person{t: t, http: &http.Client{Jar: jar, Timeout: waitLimit}}
}

// open loads a page, or sends a form if there is one.
func (b *person) open(page string, form url.Values) (status int, body string, header http.Header) {
	b.t.Helper()
	method, sent := http.MethodGet, io.Reader(nil)
	if form != nil {
		method, sent = http.MethodPost, strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(b.t.Context(), method, page, sent)
	if err != nil {
		b.t.Fatal(err)
	}
	if form != nil {
		at, _ := url.Parse(page)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", at.Scheme+"://"+at.Host)
	}
	res, err := b.http.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	content, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return res.StatusCode, string(content), res.Header
}

// setupLink waits for the set-up link in the log of a process.
func (w *world) setupLink(p *process) string {
	w.t.Helper()
	found := regexp.MustCompile(`link="?(http[^\s"]+)`).FindStringSubmatch(w.line(p, "nobody can use this server yet"))
	if found == nil {
		w.t.Fatal("no link")
	}
	return found[1]
}

// TestSetup checks that the first start logs a link, and that the form at this link creates the owner once and logs
// the browser in. A link of an earlier start must not create a second owner. Later starts must log no link.
func TestSetup(t *testing.T) {
	w := newWorld(t)
	env := settings(w.url, w.dir, "AUTH_MODE=required")
	earlier := w.start(env, "serve", "--role", "api")
	leaked := w.setupLink(earlier)
	w.stop(earlier)
	server := w.start(env, "serve", "--role", "api")
	link := w.setupLink(server)
	b := newPerson(t)
	status, page, header := b.open(link, nil)
	if status != http.StatusOK || !strings.Contains(page, `name="password"`) || strings.Contains(page, "<script") ||
		!strings.Contains(header.Get("Content-Security-Policy"), "form-action 'self'") || header.Get("Referrer-Policy") != "same-origin" {
		t.Fatalf("%d %v\n%s", status, header, page)
	}
	at, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{"token": {at.Query().Get("token")}, "email": {"Ada@Example.org"}, "name": {"Ada <b>"}, "password": {"short"}}
	at.RawQuery = ""
	if status, page, _ = b.open(at.String(), form); status != http.StatusUnprocessableEntity || !strings.Contains(page, "Ada &lt;b&gt;") || !strings.Contains(page, "password") {
		t.Errorf("a short password: %d\n%s", status, page)
	}
	form.Set("password", "a kettle boils at dawn 77")
	if status, page, _ = b.open(at.String(), form); status != http.StatusOK || !strings.Contains(page, "You are in") {
		t.Fatalf("%d\n%s", status, page)
	}
	c := newClient(strings.TrimSuffix(at.String(), "/setup"))
	c.http = b.http
	var me api.Me
	if err := c.do(w.ctx(), "GET", "/api/auth/me", nil, &me); err != nil || string(me.Role) != "owner" || me.AccountID != "default" {
		t.Fatalf("%+v, %v", me, err)
	}
	made := w.newKey(c, "tasks:read")
	if err := c.with(made.Key).do(w.ctx(), "GET", "/api/tasks", nil, nil); err != nil {
		t.Error(err)
	}
	stale, err := url.Parse(leaked)
	if err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]string{"again": form.Get("token"), "the link of an earlier start": stale.Query().Get("token"), "nonsense": "x"} {
		other := url.Values{"token": {token}, "email": {"eve@example.org"}, "password": {"a kettle boils at dawn 78"}}
		if status, page, _ := newPerson(t).open(at.String(), other); status != http.StatusGone || !strings.Contains(page, "ask for a new one") {
			t.Errorf("%s: %d\n%s", name, status, page)
		}
	}
	w.stop(server)
	again := w.start(env, "serve", "--role", "api")
	w.api(again)
	w.stop(again)
	if log := again.errs.String(); strings.Contains(log, "nobody can use this server yet") {
		t.Errorf("a server with an owner offers a link: %s", log)
	}
	if n := w.count("SELECT count(*) FROM memberships WHERE role = 'owner'"); n != 1 {
		t.Errorf("%d owners", n)
	}
}

// TestUsersOnTheCommandLine invites a user by a command, and disables the user while a session and a key of the user
// are in use.
func TestUsersOnTheCommandLine(t *testing.T) {
	w := newWorld(t)
	access, _ := required()
	c := w.serve(roleAPI, access...)
	env := settings(w.url, w.dir, access...)
	run := func(want int, says string, args ...string) string {
		t.Helper()
		status, out, errs := w.run(w.ctx(), env, args...)
		if status != want || !strings.Contains(out+errs, says) {
			t.Errorf("%v: status %d, want %d and %q:\n%s\n%s", args, status, want, says, out, errs)
		}
		return strings.TrimSpace(out)
	}
	link := run(0, "/setup?token=", "users", "create", "--role", "admin", "--url", c.base, "grace@example.org")
	at, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	token := at.Query().Get("token")
	at.RawQuery = ""
	b := newPerson(t)
	wrong := url.Values{"token": {token}, "email": {"eve@example.org"}, "password": {"a kettle boils at dawn 77"}}
	if status, page, _ := b.open(at.String(), wrong); status != http.StatusForbidden || !strings.Contains(page, "another e-mail address") {
		t.Errorf("another address: %d\n%s", status, page)
	}
	right := url.Values{"token": {token}, "email": {"grace@example.org"}, "password": {"a kettle boils at dawn 77"}}
	if status, page, _ := b.open(at.String(), right); status != http.StatusOK {
		t.Fatalf("%d\n%s", status, page)
	}
	session := newClient(c.base)
	session.http = b.http
	key := c.with(w.newKey(session, "tasks:read").Key)
	run(0, "grace@example.org", "users", "list")
	works := func(c *client) bool { return c.do(w.ctx(), "GET", "/api/tasks", nil, nil) == nil }
	if !works(session) || !works(key) {
		t.Fatal("session or key do not work")
	}
	run(0, "disabled", "users", "disable", "Grace@example.org")
	eventually(t, "session and key are refused", func() bool { return !works(session) && !works(key) })
	run(0, "disabled ", "users", "list")
	run(0, "enabled", "users", "enable", "grace@example.org")
	eventually(t, "the key works again", func() bool { return works(key) })
	run(0, `"email" : "grace@example.org"`, "users", "export", "grace@example.org")
	run(0, "is erased", "users", "erase", "grace@example.org")
	eventually(t, "the key of an erased user is refused", func() bool { return !works(key) })
	run(1, "there is no user", "users", "export", "grace@example.org")
	run(1, "there is no user", "users", "erase", "grace@example.org")
	run(1, "there is no user", "users", "disable", "nobody@example.org")
	run(1, "name one user", "users", "disable")
	run(1, "name one e-mail address", "users", "create", "nobody")
	run(1, "choose viewer", "users", "create", "--role", "king", "a@example.org")
	run(1, "there is no account", "users", "create", "--account", "nowhere", "a@example.org")
}
