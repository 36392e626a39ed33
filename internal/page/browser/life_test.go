package browser_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"legwork/internal/page"
	"legwork/internal/page/browser"
	"legwork/internal/research"
)

// pdf serves a minimal PDF with text.
func pdf(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/pdf")
	body := "%PDF-1.4\n"
	var at []int
	stream := "BT /F1 24 Tf 72 700 Td (The Kestrel manual) Tj ET"
	for i, o := range []string{"<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>",
		"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
		fmt.Sprintf("<</Length %d>>stream\n%s\nendstream", len(stream), stream), "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"} {
		at = append(at, len(body))
		body += fmt.Sprintf("%d 0 obj%s endobj\n", i+1, o)
	}
	xref := len(body)
	body += "xref\n0 6\n0000000000 65535 f \n"
	for _, n := range at {
		body += fmt.Sprintf("%010d 00000 n \n", n)
	}
	_, _ = fmt.Fprintf(w, "%strailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF", body, xref)
}

// stat returns the parent and the state of a process.
func stat(pid string) (parent, state string) {
	line, err := os.ReadFile(filepath.Join("/proc", pid, "stat"))
	if err != nil {
		return "", ""
	}
	fields := strings.Fields(string(line[strings.LastIndexByte(string(line), ')')+1:]))
	return fields[1], fields[0]
}

// zombies returns the ended children of this process that were not waited for.
func zombies() []string {
	var out []string
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		if parent, state := stat(e.Name()); state == "Z" && parent == strconv.Itoa(os.Getpid()) {
			out = append(out, e.Name())
		}
	}
	return out
}

// TestLife_twoHundredPages: two hundred pages are read in several sessions, and Chromium is replaced several times. Afterwards there is no
// open tab, no context, no second Chromium and no zombie. After Close there is no profile folder (see newWorld).
func TestLife_twoHundredPages(t *testing.T) {
	w := newWorld(t, func(c *browser.Config) { c.RecycleAfter = 60 })
	if err := w.Start(w.ctx()); err != nil {
		t.Fatal(err)
	}
	first := browser.PIDs(w.Browser)[0]
	const sessions, pages = 8, 25
	var wg sync.WaitGroup
	for n := range sessions {
		wg.Go(func() {
			s := w.Open(page.Scope{})
			defer s.Close()
			for i := range pages {
				v, err := s.Load(w.t.Context(), page.Address{URL: w.site.URL(fmt.Sprintf("/app/static.html?s=%d&n=%d", n, i))})
				if err != nil || v.Outcome != research.OutcomeOK || !v.Rendered || !strings.Contains(v.Page.Text, "85 degrees") {
					t.Errorf("page %d of session %d: %v %s %q", i, n, err, v.Outcome, v.Note)
				}
			}
		})
	}
	wg.Wait()
	w.noTabs()
	w.until("the first Chromium is gone", func() bool { return !slices.Contains(browser.PIDs(w.Browser), first) })
	w.until("one Chromium is left", func() bool { return len(browser.PIDs(w.Browser)) <= 1 })
	if n := browser.ContextsOf(w.Browser); n != 0 {
		t.Errorf("%d contexts are left", n)
	}
	w.until("one profile folder is left", func() bool {
		dirs, _ := filepath.Glob(filepath.Join(w.dir, "*"))
		return len(dirs) <= 1
	})
	w.until("there is no zombie", func() bool { return len(zombies()) == 0 }) // other tests may have zombies for a moment
	// The remaining processes belong to the one Chromium.
	all := processes(w.dir)
	roots := map[string]bool{}
	for _, pid := range browser.PIDs(w.Browser) {
		roots[strconv.Itoa(pid)] = true
	}
	for pid, line := range all {
		up := pid
		for up != "" && up != "0" && up != "1" && !roots[up] {
			up, _ = stat(up)
		}
		if !roots[up] && up != "" {
			t.Errorf("process %s is beside the tree: %s", pid, line)
		}
	}
	if len(all) > 12 {
		t.Errorf("%d processes are left: %v", len(all), all)
	}
}

// until waits until ok returns true.
func (w *world) until(what string, ok func() bool) {
	w.t.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			w.t.Fatalf("never happened: %s", what)
		}
		<-tick.C
	}
}

// TestLife_rendererKilled: if a renderer is killed while it shows a page, the page is tried once more.
func TestLife_rendererKilled(t *testing.T) {
	w := newWorld(t)
	w.killedMidLoad(func() {
		n := 0
		for pid, line := range w.tree() {
			if strings.Contains(line, "--type=renderer") {
				id, _ := strconv.Atoi(pid)
				_ = syscall.Kill(id, syscall.SIGKILL)
				n++
			}
		}
		if n == 0 {
			t.Error("there was no renderer to kill")
		}
	})
}

// TestLife_browserKilled: if the browser is killed, the page is tried once more.
func TestLife_browserKilled(t *testing.T) {
	w := newWorld(t)
	w.killedMidLoad(func() {
		for _, pid := range browser.PIDs(w.Browser) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	if len(browser.PIDs(w.Browser)) != 1 {
		t.Errorf("browsers: %v", browser.PIDs(w.Browser))
	}
	w.until("there is no zombie", func() bool { return len(zombies()) == 0 }) // other tests may have zombies for a moment
}

// killedMidLoad calls kill while a page waits for its data. A second try must read the page.
func (w *world) killedMidLoad(kill func()) {
	w.t.Helper()
	s := w.open(page.Policy{})
	says(w.t, w.loadIn(s, "/app/static.html"), "85 degrees")
	release := w.site.Hold("/app/data.json")
	done := make(chan research.Visit, 1)
	go func() {
		v, err := s.Load(w.ctx(), page.Address{URL: w.site.URL("/app/")})
		if err != nil {
			w.t.Errorf("load: %v", err)
		}
		done <- v
	}()
	if err := w.site.WaitFor(w.ctx(), "/app/data.json", 1); err != nil {
		w.t.Fatal(err)
	}
	kill()
	if err := w.site.WaitFor(w.ctx(), "/app/data.json", 2); err != nil {
		w.t.Fatal(err)
	}
	release()
	v := <-done
	says(w.t, v, "citric acid")
	if !v.Rendered || w.site.Count("/app/") != 1 {
		w.t.Errorf("rendered %v, %d requests, note %q", v.Rendered, w.site.Count("/app/"), v.Note)
	}
}

// TestLife_processGroup: when Chromium ends, all processes in its process group, or with its profile folder in their command line, end.
func TestLife_processGroup(t *testing.T) {
	at, err := browser.Find("auto")
	if err != nil {
		t.Fatal(err)
	}
	dir := shortDir(t)
	wrapper, mark := filepath.Join(dir, "chromium"), "86399."+strconv.Itoa(os.Getpid())
	script := "#!/bin/sh\nsleep " + mark + " 3>&- 4>&- &\nsetsid tail -f /dev/null -- \"$@\" 3>&- 4>&- &\nexec " + at + " \"$@\"\n"
	if err := os.WriteFile(wrapper, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	in := func(mark string) int {
		n := 0
		lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
		for _, name := range lines {
			if line, err := os.ReadFile(name); err == nil && strings.Contains(strings.ReplaceAll(string(line), "\x00", " "), mark) {
				n++
			}
		}
		return n
	}
	w := newWorld(t, func(c *browser.Config) { c.At = wrapper })
	if v := w.load("/app/static.html"); !v.Rendered {
		t.Fatalf("note %q", v.Note)
	}
	if in("sleep "+mark) != 1 || in("tail -f /dev/null -- --user-data-dir="+w.dir) == 0 {
		t.Errorf("the wrapper started too little: %v", processes(w.dir))
	}
	_ = syscall.Kill(browser.PIDs(w.Browser)[0], syscall.SIGKILL)
	w.until("the group is gone with its Chromium", func() bool { return in("sleep "+mark) == 0 && len(processes(w.dir)) == 0 })
	if v := w.load("/app/static.html"); !v.Rendered {
		t.Fatalf("note %q", v.Note)
	}
	w.Close()
	if n := in("sleep " + mark); n != 0 {
		t.Errorf("%d processes of the group are left", n)
	}
	if p := processes(w.dir); len(p) > 0 {
		t.Errorf("processes are left: %v", p)
	}
}

// TestLife_sessionsApart: sessions share no cookies and no storage.
func TestLife_sessionsApart(t *testing.T) {
	w := newWorld(t)
	w.site.Page("/memory.html", `<!DOCTYPE html><title>Memory</title><h1>Memory</h1><script>
		const seen = document.cookie + '/' + localStorage.getItem('k');
		document.cookie = 'k=1'; localStorage.setItem('k', 'set');
		document.body.insertAdjacentHTML('beforeend', '<p>The Kestrel remembers ' + seen + ' of you.</p>')</script>`)
	a, b := w.open(page.Policy{}), w.open(page.Policy{})
	says(t, w.loadIn(a, "/memory.html"), "remembers /null of you")
	says(t, w.loadIn(a, "/memory.html"), "remembers k=1/set of you")
	says(t, w.loadIn(b, "/memory.html"), "remembers /null of you")
}

// TestLife_staleProfiles: at the next start, the profile folders and Chromium processes of a killed legwork process are removed. Those of a
// running process are not removed.
func TestLife_staleProfiles(t *testing.T) {
	w := newWorld(t)
	says(t, w.load("/app/static.html"), "85 degrees")
	stale := filepath.Join(w.dir, "legwork-chromium-stale")
	if err := os.MkdirAll(stale, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(stale, "owner.lock"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	browser.New(browser.Config{Dir: w.dir, Proxy: w.proxy, At: "/bin/false", Logger: logger(t)}).Close()
	dirs, _ := filepath.Glob(filepath.Join(w.dir, "*"))
	if len(dirs) != 1 || dirs[0] == stale {
		t.Errorf("folders: %v", dirs)
	}
	says(t, w.load("/app/static.html"), "85 degrees")
}

// TestLife_close: Close ends a running load, and may be called twice. Afterwards pages are read over HTTP.
func TestLife_close(t *testing.T) {
	w := newWorld(t)
	s := w.open(page.Policy{})
	release := w.site.Hold("/app/data.json")
	defer release()
	done := make(chan research.Visit, 1)
	go func() {
		v, _ := s.Load(w.ctx(), page.Address{URL: w.site.URL("/app/")})
		done <- v
	}()
	if err := w.site.WaitFor(w.ctx(), "/app/data.json", 1); err != nil {
		t.Fatal(err)
	}
	s.Close()
	s.Close()
	if v := <-done; v.Rendered {
		t.Error("a closed session showed a page")
	}
	if n := browser.ContextsOf(w.Browser); n != 0 {
		t.Errorf("%d contexts are left", n)
	}
	w.Close()
	w.Close()
	v := w.loadIn(w.Open(page.Scope{}), "/app/static.html")
	says(t, v, "85 degrees")
	if ok, _ := w.Status(); ok || v.Rendered {
		t.Error("a closed browser showed a page")
	}
}
