package httpapi

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"legwork/internal/forwarded"
	"legwork/internal/page/browser"
	"legwork/internal/research"
	"legwork/internal/testsite"
)

func TestHosts(t *testing.T) {
	t.Parallel()
	h := forwarded.NewHosts([]string{"Research.example", "", "box", "0.0.0.0", "api.example."})
	for host, want := range map[string]bool{
		"": true, "127.0.0.1": true, "127.0.0.1:8000": true, "[::1]": true, "[::1]:8000": true, "192.168.1.7:80": true, "[fe80::1%25eth0]:1": true,
		"localhost": true, "LOCALHOST:8000": true, "localhost.": true, "app.localhost:3000": true,
		"research.example": true, "RESEARCH.example.:443": true, "box:8000": true, "api.example": true,
		"evil.example": false, "evil.example:8000": false, "research.example.evil.example": false, "evilresearch.example": false, "notlocalhost": false,
		"localhost.evil.example": false, "127.0.0.1.evil.example": false, "0x7f.1": false, "127.1": false, "2130706433": false, ":8000": false, "*": false,
	} {
		if got := h.Allows(host); got != want {
			t.Errorf("%q: %v", host, got)
		}
	}
	if !forwarded.NewHosts([]string{"a", "*"}).Allows("any.example") || forwarded.NewHosts(nil).Allows("any.example") {
		t.Error("* allows every name, and nothing else does")
	}
}

// TestForeignHost checks that a request for another host name than the server's gets 421 and changes nothing.
func TestForeignHost(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.add(research.Task{Status: research.Running}).ID.String()
	for _, c := range []struct{ method, path string }{
		{"GET", "/api/tasks"}, {"GET", "/api/tasks/" + id}, {"POST", "/api/tasks"}, {"DELETE", "/api/tasks/" + id}, {"GET", "/health"}, {"GET", "/api/openapi.json"},
		{"GET", "/api/tasks/" + id + "/artifacts/result.json"}, {"OPTIONS", "/api/tasks"}, {"GET", "/nothing"},
	} {
		b.do(c.method, c.path, nil, "Host", "evil.example").wantError(421, "host_refused")
	}
	b.get("/api/tasks/"+id+"/events", "Host", "evil.example", "Accept", "text/event-stream").wantError(421, "host_refused")
	b.get("/api/tasks/"+id+"/stream", append([]string{"Host", "evil.example", "Origin", "http://evil.example"}, websocketHeaders...)...).wantError(421, "host_refused")
	if calls := b.seen(); len(calls) != 0 || b.hub.Watched() != 0 {
		t.Errorf("calls %+v", calls)
	}
}

// TestCrossSiteRequests checks that a request that changes something is accepted from a page of this host, from a page of a
// listed origin, and from a program, and refused from any other page.
func TestCrossSiteRequests(t *testing.T) {
	t.Parallel()
	own := setup(t)
	id := own.add(research.Task{Status: research.Running}).ID.String()
	host := strings.TrimPrefix(own.http.URL, "http://")
	changes := []struct {
		method, path string
		status       int
	}{{"POST", "/api/tasks", 201}, {"POST", "/api/tasks/" + id + "/cancel", 200}, {"POST", "/api/tasks/" + id + "/rerun", 201}, {"DELETE", "/api/tasks/" + id, 204}}
	for name, header := range map[string][]string{
		"a program":                       nil,
		"a page of this host":             {"Origin", "http://" + host, "Sec-Fetch-Site", "same-origin"},
		"one, by an old browser":          {"Origin", "http://" + host},
		"a listed page":                   {"Origin", "http://localhost:3000", "Sec-Fetch-Site", "same-site"},
		"a dev server that rewrites Host": {"Origin", "http://localhost:5173", "Sec-Fetch-Site", "same-origin"},
		"the address bar":                 {"Sec-Fetch-Site", "none"},
	} {
		for _, c := range changes {
			if res := own.do(c.method, c.path, strings.NewReader(`{"question":"Why?","reason":"x"}`), header...); res.status != c.status {
				t.Errorf("%s, %s %s: %d %s", name, c.method, c.path, res.status, res.body)
			}
		}
	}
	before := len(own.seen())
	for name, header := range map[string][]string{
		"a foreign page":            {"Origin", "http://evil.example", "Sec-Fetch-Site", "cross-site"},
		"another port":              {"Origin", "http://localhost:3001", "Sec-Fetch-Site", "same-site"},
		"an old browser":            {"Origin", "http://evil.example"},
		"a sandboxed frame":         {"Origin", "null"},
		"no Origin":                 {"Sec-Fetch-Site", "cross-site"},
		"a name like a listed one":  {"Origin", "http://localhost:3000.evil.example", "Sec-Fetch-Site", "cross-site"},
		"a value that is not known": {"Sec-Fetch-Site", "whatever"},
	} {
		for _, c := range changes {
			t.Run(name, func(t *testing.T) {
				own.do(c.method, c.path, strings.NewReader(`{"question":"Why?"}`), header...).wantError(403, "cross_site_refused")
			})
		}
		if res := own.get("/api/tasks", header...); res.status != 200 { // reads are answered; CORS keeps the page from seeing the answer
			t.Errorf("%s reads: %d", name, res.status)
		}
	}
	if n := len(own.seen()); n != before {
		t.Errorf("%d requests of foreign pages reached a service", n-before)
	}
	open := setup(t, func(c *Config, _ *timing) { c.CORSOrigins = []string{"*"} })
	if res := open.post("/api/tasks", `{"question":"Why?"}`, "Origin", "http://evil.example", "Sec-Fetch-Site", "cross-site"); res.status != 201 {
		t.Errorf("with *: %d", res.status)
	}
}

// attack is a page that makes every kind of request that a browser sends without a preflight, and reports each result.
const attack = `<!doctype html><title>page</title><iframe name="f"></iframe><iframe name="g"></iframe>
<form id="form" target="f" method="post" enctype="text/plain" action="API/api/tasks"><input name='{"question":"form","x":"' value='"}'></form>
<form id="cancel" target="g" method="post" action="API/api/tasks/TASK/cancel"></form>
<script>
const body = q => new Blob([JSON.stringify({question: q})]);
const attempt = async (name, f) => { try { return name + ": " + await f() } catch (e) { return name + ": failed" } };
(async () => {
  const out = [];
  out.push(await attempt("no-cors", async () => (await fetch("API/api/tasks", {method: "POST", mode: "no-cors", body: body("no-cors")})).type));
  out.push(await attempt("cors", async () => (await fetch("API/api/tasks", {method: "POST", body: body("cors")})).status));
  out.push(await attempt("json", async () => (await fetch("API/api/tasks", {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify({question: "json"})})).status));
  out.push(await attempt("delete", async () => (await fetch("API/api/tasks/TASK", {method: "DELETE"})).status));
  out.push(await attempt("read", async () => (await fetch("API/api/tasks")).status));
  out.push(await attempt("socket", () => new Promise((ok, no) => { const s = new WebSocket("API/api/tasks/TASK/stream".replace("http", "ws")); s.onopen = () => ok("open"); s.onerror = no })));
  out.push("beacon: " + navigator.sendBeacon("API/api/tasks", body("beacon")));
  document.getElementById("form").submit();
  document.getElementById("cancel").submit();
  await fetch("/report", {method: "POST", body: out.join("\n")});
})();
</script>`

// chromium opens a page in Chromium and keeps it open until the test ends.
func chromium(t *testing.T, url string, args ...string) {
	t.Helper()
	program, err := browser.Find("auto")
	if err != nil {
		t.Fatalf("this test needs a browser: %v", err)
	}
	args = append([]string{"--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0", "--user-data-dir=" + testsite.BrowserProfile(t)}, append(args, url)...)
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that all processes of the browser are killed together
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); _ = cmd.Wait() })
}

// TestPageOfAnotherSite opens a page of another loopback origin in a real browser. The page attacks the API.
func TestPageOfAnotherSite(t *testing.T) {
	t.Parallel()
	report := make(chan string, 1)
	var page atomic.Value // a string; atomic, because the browser may make further requests at any time
	page.Store("")
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/report" {
			_, _ = fmt.Fprint(w, page.Load())
			return
		}
		body := make([]byte, 4096)
		n, _ := r.Body.Read(body)
		report <- string(body[:n])
	}))
	defer site.Close()
	for _, c := range []struct {
		name    string
		origins []string
		want    string
		calls   int // expected number of calls of services
		posts   int // expected number of POST requests that reach the server
	}{
		{"foreign", nil, "no-cors: failed\ncors: failed\njson: failed\ndelete: failed\nread: failed\nsocket: failed\nbeacon: true", 0, 5},
		{"listed", []string{site.URL}, "no-cors: failed\ncors: 201\njson: 201\ndelete: 204\nread: 200\nsocket: open\nbeacon: true", 6, 6},
	} {
		t.Run(c.name, func(t *testing.T) { // the cases do not run in parallel, because they share the site
			b := setup(t, func(cfg *Config, _ *timing) { cfg.CORSOrigins = c.origins })
			id := b.add(research.Task{Status: research.Running}).ID
			page.Store(strings.NewReplacer("API", b.http.URL, "TASK", id.String()).Replace(attack))
			chromium(t, site.URL)
			select {
			case got := <-report:
				if got != c.want {
					t.Errorf("the page says:\n%s\nwant\n%s", got, c.want)
				}
			case <-time.After(time.Minute):
				t.Fatalf("the page did not report\n%s", b.log)
			}
			// A page cannot see the answer to a beacon or a form, but the access log shows it.
			answered := func() bool {
				return strings.Count(b.log.String(), "method=POST path=/api/tasks status=")+strings.Count(b.log.String(), "/cancel status=") >= c.posts
			}
			for deadline := time.Now().Add(testTimeout); !answered() && time.Now().Before(deadline); {
				b.get("/health/live")
			}
			if calls := b.seen(); len(calls) != c.calls {
				t.Errorf("%d calls of services: %+v", len(calls), calls)
			}
		})
	}
}

// TestRebinding opens the API in a browser under a foreign name that resolves to this machine.
func TestRebinding(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.add(research.Task{Question: "a private question", Status: research.Running})
	port := b.http.URL[strings.LastIndex(b.http.URL, ":"):]
	program, err := browser.Find("auto")
	if err != nil {
		t.Fatalf("this test needs a browser: %v", err)
	}
	for host, want := range map[string]string{"rebound.example": "host_refused", "127.0.0.1": "a private question"} {
		cmd := exec.CommandContext(t.Context(), program, "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+testsite.BrowserProfile(t),
			"--host-resolver-rules=MAP rebound.example 127.0.0.1", "--dump-dom", "http://"+host+port+"/api/tasks?x="+uuid.NewString())
		out, err := cmd.Output()
		if err != nil || !strings.Contains(string(out), want) || host == "rebound.example" && strings.Contains(string(out), "private") {
			t.Errorf("%s shows %.500s (%v)", host, out, err)
		}
	}
}
