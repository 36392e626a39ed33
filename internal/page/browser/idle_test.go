package browser_test

import (
	"strings"
	"syscall"
	"testing"

	"legwork/internal/page"
	"legwork/internal/page/browser"
)

// TestTabs_oneAfterTheOther: a session shows its pages in one tab, one after the other. When a page starts, nothing of the previous page is
// still running.
func TestTabs_oneAfterTheOther(t *testing.T) {
	w := newWorld(t)
	s := w.open(page.Policy{})
	says(t, w.loadIn(s, "/app/growing.html"), "half litres") // this page sends requests forever
	says(t, w.loadIn(s, "/app/static.html"), "85 degrees")
	asked := w.proxy.count("/app/data.json")
	for range 3 {
		says(t, w.loadIn(s, "/app/images.html"), "three colours")
	}
	if n := w.proxy.count("/app/data.json"); n != asked {
		t.Errorf("the page that was left has asked %d times more", n-asked)
	}
	if n := browser.TabsOf(w.Browser); n != 1 {
		t.Errorf("%d tabs are open", n)
	}
}

// TestTabs_noWayBack: a page can neither navigate back to an earlier page of the tab, nor see that there was an earlier page.
func TestTabs_noWayBack(t *testing.T) {
	w := newWorld(t)
	w.site.Page("/back.html", `<!DOCTYPE html><title>Back</title><h1>Back</h1><p id="p">The lid of the Kestrel snaps back.</p><script>
		document.getElementById('p').textContent += ' Page ' + history.length + ' of its history.';
		history.back(); try { navigation.back() } catch {} setTimeout(() => history.go(-2), 50)</script>`)
	s := w.open(page.Policy{})
	for range 3 {
		says(t, w.loadIn(s, "/app/static.html"), "85 degrees")
		v := w.loadIn(s, "/back.html")
		says(t, v, "snaps back. Page 2 of its history.") // page 1 of the history is the tab's first, blank page
		if lacks(t, v, "85 degrees"); !v.Rendered || v.FinalURL != w.site.URL("/back.html") {
			t.Errorf("rendered %v, %s, note %q", v.Rendered, v.FinalURL, v.Note)
		}
	}
}

// TestTabs_beforeUnload: a page with a beforeunload handler is unloaded, or its tab is closed.
func TestTabs_beforeUnload(t *testing.T) {
	w := newWorld(t)
	w.site.Page("/stubborn.html", `<!DOCTYPE html><title>Stubborn</title><h1>Stubborn</h1><p>The knob of the Kestrel is hard to turn.</p><script>
		addEventListener('beforeunload', e => e.preventDefault()); addEventListener('pagehide', () => { for (;;) {} })</script>`)
	s := w.open(page.Policy{})
	for range 2 {
		says(t, w.loadIn(s, "/stubborn.html"), "hard to turn")
	}
	if v := w.loadIn(s, "/app/"); !v.Rendered {
		t.Errorf("note %q", v.Note)
	}
}

// TestTabs_bounded: there are never more idle tabs than slots, however many sessions are open. When a session ends, its tabs are closed.
func TestTabs_bounded(t *testing.T) {
	w := newWorld(t, func(c *browser.Config) { c.Tabs = 2 })
	var open []page.Session
	for range 5 {
		s := w.open(page.Policy{})
		open = append(open, s)
		says(t, w.loadIn(s, "/app/static.html"), "85 degrees")
	}
	w.until("two tabs wait", func() bool { return browser.TabsOf(w.Browser) <= 2 })
	for _, s := range open {
		if v := w.loadIn(s, "/app/"); !v.Rendered || !strings.Contains(v.Page.Text, "citric acid") {
			t.Errorf("note %q", v.Note)
		}
		s.Close()
	}
	w.noTabs()
	if n := browser.ContextsOf(w.Browser); n != 0 {
		t.Errorf("%d contexts are left", n)
	}
}

// TestLife_doesNotAnswer: a Chromium that does not answer is replaced.
func TestLife_doesNotAnswer(t *testing.T) {
	w := newWorld(t)
	says(t, w.load("/app/static.html"), "85 degrees")
	frozen := browser.PIDs(w.Browser)
	for _, pid := range frozen {
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
	}
	if v := w.load("/app/"); !v.Rendered || !strings.Contains(v.Page.Text, "citric acid") {
		t.Errorf("note %q", v.Note)
	}
	w.until("the frozen one is gone", func() bool {
		pids := browser.PIDs(w.Browser)
		return len(pids) == 1 && pids[0] != frozen[0]
	})
}
