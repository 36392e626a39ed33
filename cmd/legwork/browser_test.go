package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"legwork/api"
	"legwork/internal/page/browser"
)

// descaling is a question whose answer is on a page that has no text without its scripts.
func descaling(w *world) map[string]any {
	return map[string]any{"question": "How many grams of citric acid descale the Kestrel?", "seedUrl": w.site.URL("/app/"), "maxPages": 2}
}

// needChromium fails the test at once when there is no Chromium, instead of waiting for one.
func needChromium(t *testing.T) {
	t.Helper()
	if _, err := browser.Find("auto"); err != nil {
		t.Fatalf("this test needs a browser: apt-get install chromium-headless-shell, or chromium (%v)", err)
	}
}

// With a browser, a page that needs scripts must be read, and /health and doctor must report the browser.
func TestBrowser_readsScripts(t *testing.T) {
	needChromium(t)
	w := newWorld(t)
	c := w.serve(roleAll, "BROWSER=auto")
	task := w.await(c, w.ask(c, descaling(w)).TaskID)
	if task.Status != "completed" || task.Answer == nil || !strings.Contains(*task.Answer, "30 grams") {
		t.Errorf("task %s, answer %v", task.Status, task.Answer)
	}
	if n := w.site.Count("/app/"); n != 1 {
		t.Errorf("the document was requested %d times", n)
	}
	var health api.Health
	if err := c.do(w.ctx(), http.MethodGet, "/health", nil, &health); err != nil || !health.Browser.Available || !strings.Contains(health.Browser.Detail, "Chrom") {
		t.Errorf("health = %+v, %v", health.Browser, err)
	}
	if status, out, _ := w.run(w.ctx(), settings(w.url, w.dir, "BROWSER=auto"), "doctor"); !strings.Contains(out, "ok    browser") {
		t.Errorf("doctor: %d\n%s", status, out)
	}
}

// Without a browser, the same task must end with the text that the server sent. A task about a static page must be answered, and
// /health must say what is missing.
func TestBrowser_off(t *testing.T) {
	w := newWorld(t)
	c := w.serve(roleAll)
	if task := w.await(c, w.ask(c, descaling(w)).TaskID); task.Answer != nil && strings.Contains(*task.Answer, "30 grams") {
		t.Errorf("the page is no test of a browser: %s", *task.Answer)
	}
	if task := w.await(c, w.ask(c, nil).TaskID); task.Status != "completed" || task.Answer == nil || !strings.Contains(*task.Answer, "25 minutes") {
		t.Errorf("task %s, answer %v", task.Status, task.Answer)
	}
	var health api.Health
	if err := c.do(w.ctx(), http.MethodGet, "/health", nil, &health); err != nil || health.Browser.Available ||
		health.Status != "healthy" || !strings.Contains(health.Browser.Detail, "BROWSER=off") {
		t.Errorf("health = %+v, %v", health, err)
	}
}

// When Chromium is killed while it shows a page, the page must be loaded again, and the task must be answered.
func TestBrowser_killed(t *testing.T) {
	needChromium(t)
	w := newWorld(t)
	a := w.app(roleAll, "BROWSER=auto")
	c := newClient(a.apiURL())
	release := w.site.Hold("/app/data.json")
	task := w.ask(c, descaling(w))
	if err := w.site.WaitFor(w.ctx(), "/app/data.json", 1); err != nil {
		t.Fatal(err)
	}
	killed := 0
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		line, _ := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
		if strings.Contains(string(line), "--proxy-server="+a.pages.Proxy.URL()) && !strings.Contains(string(line), "--type=") {
			pid, _ := strconv.Atoi(e.Name())
			_ = syscall.Kill(pid, syscall.SIGKILL)
			killed++
		}
	}
	if killed == 0 {
		t.Fatal("there was no Chromium to kill")
	}
	if err := w.site.WaitFor(w.ctx(), "/app/data.json", 2); err != nil {
		t.Fatal(err)
	}
	release()
	if done := w.await(c, task.TaskID); done.Status != "completed" || done.Answer == nil || !strings.Contains(*done.Answer, "30 grams") {
		t.Errorf("task %s, answer %v", done.Status, done.Answer)
	}
	if n := w.site.Count("/app/"); n != 1 {
		t.Errorf("the document was requested %d times", n)
	}
}
