package browser_test

import (
	"strings"
	"syscall"
	"testing"

	"legwork/internal/page"
	"legwork/internal/page/browser"
)

// A session shows its pages in one tab, one after the other; the page before has ended, with all that it ran.
func TestTabs_oneAfterTheOther(t *testing.T) {
	w := newWorld(t)
	s := w.open(page.Policy{})
	says(t, w.loadIn(s, "/app/growing.html"), "half litres") // it never stops asking
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

// No page leads back to one that the tab showed before, nor knows of it.
func TestTabs_noWayBack(t *testing.T) {
	w := newWorld(t)
	w.site.Page("/back.html", `<!DOCTYPE html><title>Back</title><h1>Back</h1><p id="p">The lid of the Kestrel snaps back.</p><script>
		document.getElementById('p').textContent += ' Page ' + history.length + ' of its history.';
		history.back(); try { navigation.back() } catch {} setTimeout(() => history.go(-2), 50)</script>`)
	s := w.open(page.Policy{})
	for range 3 {
		says(t, w.loadIn(s, "/app/static.html"), "85 degrees")
		v := w.loadIn(s, "/back.html")
		says(t, v, "snaps back. Page 2 of its history.") // the first is what a tab begins with
		if lacks(t, v, "85 degrees"); !v.Rendered || v.FinalURL != w.site.URL("/back.html") {
			t.Errorf("rendered %v, %s, note %q", v.Rendered, v.FinalURL, v.Note)
		}
	}
}

// A page that does not want to be left is left all the same, with its tab.
func TestTabs_stubborn(t *testing.T) {
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

// Tabs that wait are no more than may be used at the same time, however many sessions are open, and none outlives its session.
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

// A Chromium that is there and does not answer is given up.
func TestLife_frozen(t *testing.T) {
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
