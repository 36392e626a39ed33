package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"legwork/api"
	"legwork/cmd/legwork/commands"
	"legwork/docs"
)

// run runs one command line in this process.
func (w *world) run(ctx context.Context, env []string, args ...string) (status int, out, errs string) {
	w.t.Helper()
	var o, e bytes.Buffer
	p := &program{environ: env, in: strings.NewReader(""), out: &o, errOut: &e}
	status = p.run(ctx, append([]string{"legwork"}, args...))
	return status, o.String(), e.String()
}

func TestAsk(t *testing.T) {
	w := newWorld(t)
	env := settings(w.url, w.dir)
	status, out, errs := w.run(w.ctx(), env, "ask", "--seed-url", w.site.URL("/index.html"), "What is the default value of keep_warm_minutes?")
	if status != 0 || !strings.Contains(out, "navigate_to") || !strings.Contains(out, "25 minutes") || !strings.Contains(out, "Citations") {
		t.Errorf("status %d\n%s\n%s", status, out, errs)
	}
	status, out, _ = w.run(w.ctx(), env, "ask", "--json", "--max-pages", "4", "--seed-url", w.site.URL("/index.html"), "Which port is listen_port?")
	var task api.Task
	if err := json.Unmarshal([]byte(out), &task); err != nil || status != 0 || task.Options.MaxPages != 4 || task.Answer == nil {
		t.Errorf("status %d, %v: %s", status, err, out)
	}
	status, out, _ = w.run(w.ctx(), env, "ask", "--seed-url", w.site.URL("/status/410"), "Is anybody there?")
	if status != commands.ExitFailed || !strings.Contains(out, "failed") {
		t.Errorf("a failed task: status %d\n%s", status, out)
	}
	status, _, errs = w.run(w.ctx(), env, "ask", "--seed-url", "file:///etc/passwd", "What is in it?")
	if status != 1 || strings.Count(errs, "seedUrl") != 1 || strings.Count(errs, "\n") != 1 {
		t.Errorf("a refused question: status %d\n%s", status, errs)
	}
	status, _, errs = w.run(w.ctx(), env, "ask", "--max-pages", "0", "--max-depth", "9", "x")
	if status != 1 || strings.Count(errs, "maxPages") != 1 || strings.Count(errs, "maxDepth") != 1 {
		t.Errorf("two refused limits: status %d\n%s", status, errs)
	}
	if status, _, errs = w.run(w.ctx(), env, "ask"); status != 1 || !strings.Contains(errs, "name a question") {
		t.Errorf("no question: status %d\n%s", status, errs)
	}
	if status, _, errs = w.run(w.ctx(), env, "ask", "--api", "http://127.0.0.1:1", "x"); status != 1 || !strings.Contains(errs, "no answer from") {
		t.Errorf("no server: status %d\n%s", status, errs)
	}
}

// TestAskUsesTheServerOfTheEnvironment checks that ask finds its server by LEGWORK_API, and needs no database then.
func TestAskUsesTheServerOfTheEnvironment(t *testing.T) {
	w := newWorld(t)
	c := w.serve(roleAll)
	env := []string{"DATABASE_URL=postgres://127.0.0.1:1/none", "LEGWORK_HOME=" + t.TempDir(), "LEGWORK_API=" + c.base}
	status, out, errs := w.run(w.ctx(), env, "ask", "--seed-url", w.site.URL("/index.html"), "What is the default value of keep_warm_minutes?")
	if status != 0 || !strings.Contains(out, "25 minutes") {
		t.Errorf("status %d\n%s\n%s", status, out, errs)
	}
}

// TestInterruptedAsk checks that Ctrl-C cancels the task on the server, and that the exit status shows the
// cancellation.
func TestInterruptedAsk(t *testing.T) {
	w := newWorld(t)
	c := w.serve(roleAll)
	w.site.Hold("/index.html")
	ctx, interrupt := context.WithCancel(w.ctx())
	ended := make(chan int)
	go func() {
		status, _, _ := w.run(ctx, settings(w.url, w.dir), "ask", "--api", c.base, "--seed-url", w.site.URL("/index.html"), "Will this end?")
		ended <- status
	}()
	if err := w.site.WaitFor(w.ctx(), "/index.html", 1); err != nil {
		t.Fatal(err)
	}
	interrupt()
	if status := <-ended; status != commands.ExitCancelled {
		t.Errorf("status %d, want %d", status, commands.ExitCancelled)
	}
	if n := w.count("SELECT count(*) FROM tasks WHERE status = 'cancelled'"); n != 1 {
		t.Errorf("%d cancelled tasks, want 1", n)
	}
}

// embedded returns an environment without DATABASE_URL.
func embedded(dir string, extra ...string) []string {
	return append([]string{"LEGWORK_HOME=" + dir, "API_HOST=127.0.0.1", "API_PORT=0", "AUTH_MODE=off", "LOG_LEVEL=info", "SEARCH_ENGINES=library", "PAGE_TTL=0"}, extra...)
}

// TestDemo runs the demo as a user would, on the embedded PostgreSQL, and checks that each quote of its answer is in
// the documentation that the program contains.
func TestDemo(t *testing.T) {
	w := newWorld(t)
	status, out, errs := w.run(w.ctx(), embedded(w.dir), "demo")
	if status != 0 {
		t.Fatalf("status %d\n%s\n%s", status, out, errs)
	}
	for _, want := range []string{"→ navigate_to", "✓ cite", "answered", "Answer\n", "Citations"} {
		if !strings.Contains(out, want) {
			t.Errorf("the output lacks %q:\n%s", want, out)
		}
	}
	cited := 0
	for _, m := range regexp.MustCompile(`(?m)^\[\d+\] .*\n    http://[^/]+/(\S*)\n    “((?s:.*?))”\n`).FindAllStringSubmatch(out[strings.Index(out, "Citations"):], -1) {
		name := strings.Replace(strings.TrimSuffix(m[1], ".html")+".md", "index.md", "README.md", 1)
		if m[1] == "" {
			name = "README.md"
		}
		b, err := docs.Files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		page := words(regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`).ReplaceAllString(string(b), "$1"))
		for sentence := range strings.SplitSeq(words(m[2]), ". ") {
			if !strings.Contains(page, sentence) {
				t.Errorf("%s does not hold %q", name, sentence)
			}
		}
		cited++
	}
	if cited < 2 {
		t.Errorf("%d citations, want at least 2:\n%s", cited, out)
	}
}

// words converts a text to what a person sees: without extra white space, HTML entities and signs of Markdown.
func words(s string) string {
	s = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&", "&quot;", `"`, "&#39;", "'", "|", " ", "**", "", "`", "", " .", ".", " ,", ",").Replace(s)
	s = regexp.MustCompile(`(?m)^\s*([-*]|\d+\.) `).ReplaceAllString(s, "")
	s = strings.Join(strings.Fields(s), " ")
	return strings.NewReplacer(" .", ".", " ,", ",", " ;", ";", " :", ":").Replace(s)
}

// TestOneEmbeddedServer checks that a second server with the same LEGWORK_HOME is refused, and that the command ask
// uses the running server.
func TestOneEmbeddedServer(t *testing.T) {
	w := newWorld(t)
	port := freePort(t)
	env := embedded(w.dir, "API_PORT="+port, "FETCH_ALLOW_NETS=127.0.0.0/8", "REQUEST_DELAY_MIN=0", "REQUEST_DELAY_MAX=0")
	server := w.start(env, "serve")
	w.api(server)
	status, _, errs := w.run(w.ctx(), env, "serve")
	if status != 1 || !strings.Contains(errs, "LEGWORK_HOME") {
		t.Errorf("a second server: status %d\n%s", status, errs)
	}
	status, out, errs := w.run(w.ctx(), env, "ask", "--seed-url", w.site.URL("/index.html"), "What does error code E42 mean?")
	if status != 0 || !strings.Contains(out, "lid is open") {
		t.Errorf("ask beside a server: status %d\n%s\n%s", status, out, errs)
	}
	if status, out, _ = w.run(w.ctx(), env, "doctor"); status != 0 || !strings.Contains(out, "a running legwork") {
		t.Errorf("doctor beside a server: status %d\n%s", status, out)
	}
	// Commands that need the database use the running server, whatever its port is.
	other := embedded(w.dir, "API_PORT="+freePort(t))
	for _, args := range [][]string{{"ask", "--seed-url", w.site.URL("/index.html"), "Which port is listen_port?"}, {"gc", "--dry-run"}, {"migrate"}, {"keys", "list"}} {
		if status, out, errs = w.run(w.ctx(), other, args...); status != 0 {
			t.Errorf("%s beside a server: status %d\n%s\n%s", args[0], status, out, errs)
		}
	}
	w.stop(server)
	// A new process must find the data of the earlier ones.
	if status, out, errs = w.run(w.ctx(), env, "doctor"); status != 0 || !strings.Contains(out, "logs gapless") {
		t.Errorf("doctor afterwards: status %d\n%s\n%s", status, out, errs)
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	return fmt.Sprint(ln.Addr().(*net.TCPAddr).Port)
}

func TestDoctorAndMigrate(t *testing.T) {
	w := newWorld(t)
	env := settings(w.url, w.dir)
	if status, out, errs := w.run(w.ctx(), env, "migrate"); status != 0 || !strings.Contains(out, "up to date") {
		t.Errorf("migrate: %d\n%s\n%s", status, out, errs)
	}
	if status, out, _ := w.run(w.ctx(), env, "doctor"); status != 0 || strings.Contains(out, "FAIL") {
		t.Errorf("doctor of a healthy server: %d\n%s", status, out)
	}
	c := w.serve(roleAll)
	done := w.await(c, w.ask(c, nil).TaskID)
	if status, _ := w.body(c, "/artifacts/"+done.TaskID+"/logs.txt"); status != 200 {
		t.Fatalf("logs.txt: %d", status)
	}
	if status, out, _ := w.run(w.ctx(), env, "doctor"); status != 0 || !strings.Contains(out, "1 running") {
		t.Errorf("doctor of a working server: %d\n%s", status, out)
	}
	if err := os.Remove(filepath.Join(w.dir, "artifacts", done.TaskID, "logs.txt")); err != nil {
		t.Fatal(err)
	}
	if status, out, _ := w.run(w.ctx(), env, "doctor"); status != commands.ExitFailed || !strings.Contains(out, "logs.txt is recorded but its file is not there") {
		t.Errorf("doctor after a file was lost: %d\n%s", status, out)
	}
	away := settings("postgres://127.0.0.1:1/none?connect_timeout=1", w.dir)
	if status, out, _ := w.run(w.ctx(), away, "doctor"); status != commands.ExitFailed || !strings.Contains(out, "FAIL  database") {
		t.Errorf("doctor without a database: %d\n%s", status, out)
	}
	if status, _, errs := w.run(w.ctx(), away, "migrate"); status != 1 || errs == "" {
		t.Errorf("migrate without a database: %d\n%s", status, errs)
	}
	if status, _, errs := w.run(w.ctx(), append(env, "ARTIFACT_DIR=/dev/null/x"), "serve"); status != 1 || !strings.Contains(errs, "ARTIFACT_DIR") {
		t.Errorf("an unusable artifact folder: %d\n%s", status, errs)
	}
}

func TestWrongCommandLines(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		args []string
		env  []string
		says string
	}{
		{[]string{"serve"}, []string{"API_PORT=eighty", "MAX_CONCURRENT_TASKS=0"}, "MAX_CONCURRENT_TASKS"},
		{[]string{"serve"}, []string{"API_PORT=eighty", "MAX_CONCURRENT_TASKS=0"}, "eighty"},
		{[]string{"serve", "--role", "boss"}, nil, "choose all, api or worker"},
		{[]string{"dance"}, nil, "dance"},
	} {
		status, _, errs := w.run(w.ctx(), append(settings(w.url, w.dir), c.env...), c.args...)
		if status == 0 || !strings.Contains(errs, c.says) {
			t.Errorf("%v: status %d, %q; want it to say %q", c.args, status, errs, c.says)
		}
	}
	if status, out, _ := w.run(w.ctx(), nil, "--help"); status != 0 || !strings.Contains(out, "serve") {
		t.Errorf("help: %d %s", status, out)
	}
}
