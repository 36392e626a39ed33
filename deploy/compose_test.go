package deploy

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image/png"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"legwork/api"
	"legwork/internal/testsite"
)

// composeVariable is an environment variable. If it is set, TestCompose runs; see scripts/compose.sh.
const composeVariable = "LEGWORK_TEST_COMPOSE"

// waitLimit bounds each wait, but not the build of the images.
const waitLimit = 2 * time.Minute

// key is the API key that is valid from the first start.
const key = "lw_0123456789abcdef_" + "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// TestCompose runs docker-compose.yml: the images are built, all services become healthy, a task reads a page with scripts in the
// browser that stands apart and takes a picture, a worker is killed in the middle of a task, which another one completes, and all
// data is there after down and up.
func TestCompose(t *testing.T) {
	if os.Getenv(composeVariable) == "" {
		t.Skip("scripts/compose.sh runs this: it needs a Docker engine")
	}
	p := newProject(t)
	p.up("--build")
	p.healthy("db", 1)
	p.healthy("browser", 1)
	p.healthy("api", 1)
	p.healthy("worker", 2)
	p.figure("from docker compose up --build to all services healthy")
	p.confined()

	site := p.site()
	first := p.wait(p.ask("How many grams of citric acid descale the Kestrel?", site.URL("/app/")).TaskID)
	p.figure("a whole task with pictures")
	if first.Status != api.StatusCompleted || first.Answer == nil || !strings.Contains(*first.Answer, "30 grams") {
		t.Fatalf("the first task: %s, %v", first.Status, text(first.Answer))
	}
	pictures := p.pictures(first)
	p.health()

	held := site.Hold("/manual/settings-heating.html")
	second := p.ask("What is the default value of keep_warm_minutes?", site.URL("/index.html"))
	p.await(site, "/manual/settings-heating.html", 1)
	killed := p.sql("SELECT w.host FROM task_heads h JOIN workers w ON w.id = h.owner WHERE h.task_id = '" + second.TaskID + "'")
	p.lap()
	p.docker("kill", "--signal", "KILL", killed)
	held()
	done := p.wait(second.TaskID)
	p.figure("from kill -9 of the worker to the end of its task on the other one")
	if done.Status != api.StatusCompleted || done.Answer == nil || !strings.Contains(*done.Answer, "25 minutes") {
		t.Fatalf("the task whose worker was killed: %s, %v", done.Status, text(done.Answer))
	}
	if runs := p.sql("SELECT count(*) FROM runs WHERE task_id = '" + second.TaskID + "'"); runs != "2" {
		t.Errorf("%s runs of the task whose worker was killed, want 2", runs)
	}
	p.gapless(second.TaskID)

	held = site.Hold("/manual/settings-heating.html")
	defer held()
	requests := site.Count("/manual/settings-heating.html")
	third := p.ask("What is the default value of keep_warm_minutes?", site.URL("/index.html"))
	p.await(site, "/manual/settings-heating.html", requests+1)
	p.lap()
	p.compose("down")
	p.figure("docker compose down, with a task in its middle")
	held()
	p.up()
	p.healthy("worker", 2)
	p.figure("docker compose up again")
	if again := p.task(first.TaskID); text(again.Answer) != text(first.Answer) || !slices.EqualFunc(p.pictures(again), pictures, bytes.Equal) {
		t.Error("the first task, or one of its pictures, is not what it was before down and up")
	}
	if last := p.wait(third.TaskID); last.Status != api.StatusCompleted {
		t.Errorf("the task that was in its middle at docker compose down: %s, %v", last.Status, text(last.Error))
	}
	p.gapless(third.TaskID)
	p.logs()
}

// project is a project of Docker Compose, which is removed with its volumes when the test ends.
type project struct {
	t      *testing.T
	dir    string // the repository
	name   string
	env    string // path of the environment file
	base   string // URL of the API
	bridge string // address of this machine on Docker's own bridge
	began  time.Time
}

func newProject(t *testing.T) *project {
	t.Helper()
	dir, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	p := &project{t: t, dir: dir, name: fmt.Sprintf("legwork-scenario-%d", os.Getpid()), env: filepath.Join(t.TempDir(), "env"), began: time.Now()}
	port := freePort(t)
	p.base = "http://127.0.0.1:" + port
	p.bridge = bridge(t, p.docker("network", "inspect", "--format", `{{index .Options "com.docker.network.bridge.name"}}`, "bridge"))
	settings := []string{
		"POSTGRES_PASSWORD='p:a/s@s#w%rd'", "WORKERS=2", "API_PORT=" + port, "LEGWORK_BOOTSTRAP_KEY=" + key,
		"FETCH_ALLOW_NETS=" + p.bridge, "REQUEST_DELAY_MIN=0", "REQUEST_DELAY_MAX=0", "RATE_LIMIT_REQUESTS=1000",
		"LLM_PROVIDER=reader", "SEARCH_ENGINES=library", "LOG_TARGET=both", "PAGE_TTL=0",
		"MAX_CONCURRENT_TASKS=2",
	}
	if err := os.WriteFile(p.env, []byte(strings.Join(settings, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			out, _ := p.command("docker", "compose", "logs", "--no-color", "--tail", "60").CombinedOutput()
			t.Logf("the end of the logs:\n%s", out)
		}
		if out, err := p.command("docker", "compose", "down", "--volumes", "--timeout", "5").CombinedOutput(); err != nil {
			t.Logf("docker compose down: %v\n%s", err, out)
		}
	})
	return p
}

// bridge returns the address of this machine on a bridge.
func bridge(t *testing.T, name string) string {
	t.Helper()
	device, err := net.InterfaceByName(name)
	if err != nil {
		t.Fatalf("Docker's bridge %q: %v; this test needs an engine on this machine", name, err)
	}
	addresses, err := device.Addrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil {
			return n.IP.String()
		}
	}
	t.Fatalf("%s has no IPv4 address: %v", name, addresses)
	return ""
}

// command returns a command whose Docker Compose works on this project.
func (p *project) command(name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(context.WithoutCancel(p.t.Context()), name, args...)
	cmd.Dir = p.dir
	cmd.Env = append(os.Environ(), "COMPOSE_PROJECT_NAME="+p.name, "COMPOSE_ENV_FILES="+p.env, "ENV_FILE="+p.env, "COMPOSE_PROGRESS=plain", "DOCKER_BUILDKIT=1")
	return cmd
}

// run runs a command and returns its output without white space around it.
func (p *project) run(name string, args ...string) string {
	p.t.Helper()
	cmd := p.command(name, args...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		p.t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out, errs.String())
	}
	return strings.TrimSpace(string(out))
}

func (p *project) docker(args ...string) string { p.t.Helper(); return p.run("docker", args...) }

func (p *project) compose(args ...string) string {
	p.t.Helper()
	return p.docker(append([]string{"compose"}, args...)...)
}

func (p *project) up(args ...string) {
	p.t.Helper()
	p.lap()
	p.compose(append([]string{"up", "--detach"}, args...)...)
}

// lap begins the time of the next figure.
func (p *project) lap() { p.began = time.Now() }

// figure logs the time since the last lap or figure.
func (p *project) figure(what string) {
	p.t.Helper()
	p.t.Logf("%6.1f s  %s", time.Since(p.began).Seconds(), what)
	p.began = time.Now()
}

// sql returns the result of a query in the database's container.
func (p *project) sql(query string) string {
	p.t.Helper()
	return p.compose("exec", "-T", "db", "sh", "-c", `PGPASSWORD="$POSTGRES_PASSWORD" psql -U legwork -h 127.0.0.1 -d legwork -AtX -c "$1"`, "sh", query)
}

// containers returns the ids of the containers of a service that run.
func (p *project) containers(service string) []string {
	p.t.Helper()
	return strings.Fields(p.compose("ps", "--quiet", "--status", "running", service))
}

// healthy waits until n containers of a service are healthy.
func (p *project) healthy(service string, n int) {
	p.t.Helper()
	p.until(fmt.Sprintf("%d containers of %s are healthy", n, service), func() bool {
		ids := p.containers(service)
		if len(ids) != n {
			return false
		}
		states := p.docker(append([]string{"inspect", "--format", "{{.State.Health.Status}}"}, ids...)...)
		return strings.Count(states, "healthy") == n && !strings.Contains(states, "unhealthy")
	})
}

// until asks ten times a second, for containers do not say when they change.
func (p *project) until(what string, cond func() bool) {
	p.t.Helper()
	deadline := time.After(waitLimit)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-tick.C:
		case <-deadline:
			p.t.Fatalf("never: %s\n%s", what, p.compose("ps", "--all"))
		}
	}
}

// confined checks that containers have no privileges, and that the browser has no way out.
func (p *project) confined() {
	p.t.Helper()
	for _, service := range []string{"api", "worker", "browser"} {
		for _, id := range p.containers(service) {
			got := p.docker("inspect", "--format", "{{.Config.User}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} {{.HostConfig.SecurityOpt}} {{gt .HostConfig.Memory 0}}", id)
			if want := "65532:65532 true [ALL] [no-new-privileges:true] true"; got != want {
				p.t.Errorf("%s: %s, want %s", service, got, want)
			}
		}
	}
	p.t.Logf("image of api and worker %s MB, of the browser %s MB", p.megabytes("legwork:local"), p.megabytes("legwork-chromium:local"))
	browser := p.containers("browser")[0]
	worker := p.docker("inspect", "--format", `{{(index .NetworkSettings.Networks "`+p.name+`_browser").IPAddress}}`, p.containers("worker")[0])
	// Besides the proxy of a worker: other services, this machine at its address in each network and on Docker's bridge, and the internet.
	targets := append(strings.Fields(p.docker("network", "inspect", "--format", "{{range .IPAM.Config}}{{.Gateway}}{{end}}",
		p.name+"_default", p.name+"_browser", p.name+"_database")), p.bridge, "api", "db", "1.1.1.1", "127.0.0.1", worker)
	// A service of this machine that listens on all of its addresses.
	service, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = service.Close() }()
	_, port, _ := net.SplitHostPort(service.Addr().String())
	script := `for t in ` + strings.Join(targets, " ") + `; do for p in 80 443 3128 5432 8000 9090 9222 ` + port + `; do
		(timeout 2 bash -c "exec 3<>/dev/tcp/$t/$p" && echo "$t:$p") 2>/dev/null & done; done; wait`
	open := strings.Fields(p.docker("exec", browser, "bash", "-c", script))
	open = slices.DeleteFunc(open, func(at string) bool { return at == worker+":9090" }) // metrics, which have no texts and no secrets
	slices.Sort(open)
	want := []string{"127.0.0.1:9222", worker + ":3128"}
	if slices.Sort(want); !slices.Equal(open, want) {
		p.t.Errorf("the browser reaches %v, want %v", open, want)
	}
}

func (p *project) megabytes(image string) string {
	p.t.Helper()
	var bytes float64
	if _, err := fmt.Sscan(p.docker("image", "inspect", "--format", "{{.Size}}", image), &bytes); err != nil {
		p.t.Fatal(err)
	}
	return fmt.Sprintf("%.0f", bytes/1e6)
}

// health checks what the API says of the services.
func (p *project) health() {
	p.t.Helper()
	var h api.Health
	p.get("/health", &h)
	if h.Status != api.HealthStatusHealthy || !h.Database.Connected || h.Workers.Live != 2 || h.Workers.Slots != 4 || !h.LLM.Connected {
		p.t.Errorf("/health = %+v", h)
	}
	metrics, err := io.ReadAll(p.request(http.MethodGet, "/metrics", nil).Body)
	if err != nil || !bytes.Contains(metrics, []byte("legwork_queue_tasks{")) {
		p.t.Errorf("/metrics = %.300s, %v", metrics, err)
	}
}

// logs checks that every process has its own file in the volume of logs.
func (p *project) logs() {
	p.t.Helper()
	files := strings.Fields(p.docker("run", "--rm", "--network", "none", "--volume", p.name+"_logs:/logs:ro", "debian:12-slim", "ls", "/logs"))
	for _, service := range []string{"api", "worker"} {
		for _, id := range p.containers(service) {
			if name := "legwork-" + id[:12] + ".log"; !slices.Contains(files, name) {
				p.t.Errorf("there is no %s among %v", name, files)
			}
		}
	}
}

func (p *project) request(method, path string, body any) *http.Response {
	p.t.Helper()
	var b bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&b).Encode(body); err != nil {
			p.t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(p.t.Context(), waitLimit)
	p.t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, method, p.base+path, &b)
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = res.Body.Close() })
	if res.StatusCode >= http.StatusBadRequest {
		said, _ := io.ReadAll(res.Body)
		p.t.Fatalf("%s %s: %s %s", method, path, res.Status, said)
	}
	return res
}

func (p *project) get(path string, out any) {
	p.t.Helper()
	if err := json.NewDecoder(p.request(http.MethodGet, path, nil).Body).Decode(out); err != nil {
		p.t.Fatal(err)
	}
}

func (p *project) ask(question, seed string) (task api.Task) {
	p.t.Helper()
	p.lap()
	res := p.request(http.MethodPost, "/api/tasks", map[string]any{"question": question, "seedUrl": seed, "timeBudget": 120, "maxPages": 4})
	if err := json.NewDecoder(res.Body).Decode(&task); err != nil {
		p.t.Fatal(err)
	}
	return task
}

func (p *project) task(id string) (task api.Task) {
	p.t.Helper()
	p.get("/api/tasks/"+id, &task)
	return task
}

// wait waits for the end of a task.
func (p *project) wait(id string) api.Task {
	p.t.Helper()
	var task api.Task
	p.until("the task "+id+" ends", func() bool {
		task = p.task(id)
		return task.CompletedAt != nil
	})
	return task
}

// gapless checks that the events of a task are numbered from 1 without a gap.
func (p *project) gapless(id string) {
	p.t.Helper()
	var log struct {
		Events []struct {
			Seq int `json:"seq"`
		} `json:"events"`
	}
	p.get("/api/tasks/"+id+"/events?limit=1000", &log)
	for i, e := range log.Events {
		if e.Seq != i+1 {
			p.t.Fatalf("the event in place %d of %s has the number %d", i+1, id, e.Seq)
		}
	}
	if len(log.Events) < 3 {
		p.t.Fatalf("only %d events of %s", len(log.Events), id)
	}
}

// pictures returns the pictures of a task, each of which must be a PNG with more than one colour.
func (p *project) pictures(task api.Task) [][]byte {
	p.t.Helper()
	if len(task.Screenshots) == 0 {
		p.t.Fatalf("no picture of the task %s", task.TaskID)
	}
	var all [][]byte
	for _, path := range task.Screenshots {
		data, err := io.ReadAll(p.request(http.MethodGet, path, nil).Body)
		if err != nil {
			p.t.Fatal(err)
		}
		img, err := png.Decode(bytes.NewReader(data))
		if err != nil {
			p.t.Fatalf("%s: %v", path, err)
		}
		if b := img.Bounds(); b.Dx() < 300 || b.Dy() < 100 {
			p.t.Errorf("%s has %v", path, b)
		}
		all = append(all, data)
	}
	return all
}

// site starts the web site of the tests at this machine's address on Docker's own bridge. Containers of every network with a way out reach it.
func (p *project) site() *testsite.Site {
	p.t.Helper()
	return testsite.StartOn(p.t, p.bridge)
}

// await waits until a path of the site was requested n times.
func (p *project) await(site *testsite.Site, path string, n int) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), waitLimit)
	defer cancel()
	if err := site.WaitFor(ctx, path, n); err != nil {
		p.t.Fatal(err)
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	return port
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
