package browser_test

import (
	"strings"
	"testing"
	"time"

	"legwork/internal/page"
)

// late are ways to write text 200 to 250 ms after the page was loaded, without a request and without an earlier change. write() writes the
// text; over(f) calls f until that time has come, and then calls write.
var late = map[string]string{
	"timer":     `setTimeout(write, 250)`,
	"chain":     `(function step(n) { n ? setTimeout(step, 60, n - 1) : write() })(4)`,
	"behind":    `setTimeout(() => { const now = performance.now(); while (performance.now() < now + 400); }, 200); setTimeout(write, 260)`,
	"interval":  `let n = 0; const i = setInterval(() => { if (++n == 3) { write(); clearInterval(i) } }, 80)`,
	"frames":    `over(requestAnimationFrame)`,
	"idle":      `over(requestIdleCallback)`,
	"channel":   `const c = new MessageChannel(); c.port1.onmessage = () => over(() => c.port2.postMessage(0)); c.port2.postMessage(0)`,
	"message":   `addEventListener('message', () => over(() => postMessage(0, '*'))); postMessage(0, '*')`,
	"worker":    `new Worker(URL.createObjectURL(new Blob(['setTimeout(postMessage, 200, 0)']))).onmessage = write`,
	"database":  `over(next => { indexedDB.open('k').onsuccess = next })`,
	"broadcast": `const a = new BroadcastChannel('k'), b = new BroadcastChannel('k'); b.onmessage = () => over(() => a.postMessage(0)); a.postMessage(0)`,
	"animation": `const s = document.createElement('style'); s.textContent = '@keyframes k { to { opacity: .9 } } h1 { animation: k .25s }'; document.head.append(s);
		document.querySelector('h1').addEventListener('animationend', write)`,
	"frame": `const f = document.createElement('iframe'); f.srcdoc = '<p>A frame.</p><scr' + 'ipt>setTimeout(parent.write, 250)</scr' + 'ipt>'; document.body.append(f)`,
}

const latePage = `<!DOCTYPE html><title>Late</title><h1>Late</h1><p>The Kestrel is punctual.</p><script>
	let time = Infinity;
	function write() { document.body.insertAdjacentHTML('beforeend', '<p>The bell of the Kestrel rings late.</p>') }
	function over(f) { performance.now() < time ? f(() => over(f)) : write() }
	addEventListener('load', () => { time = performance.now() + 200; LATE })</script>`

// TestSettle_late: text that is written some time after the page was loaded is read, however it is written.
func TestSettle_late(t *testing.T) {
	w := newWorld(t)
	s := w.open(page.Policy{})
	for name, script := range late {
		w.site.Page("/late/"+name+".html", strings.Replace(latePage, "LATE", script, 1))
		if v := w.loadIn(s, "/late/"+name+".html"); v.Page == nil || !strings.Contains(v.Page.Text, "rings late") {
			t.Errorf("%s: rendered %v, note %q", name, v.Rendered, v.Note)
		}
	}
}

// TestSettle_calm: a page with nothing running is read sooner than a page with something running.
func TestSettle_calm(t *testing.T) {
	w := newWorld(t)
	w.site.Page("/busy.html", `<!DOCTYPE html><title>Busy</title><h1>Busy</h1><p>The Kestrel hums.</p><script>setInterval(() => {}, 250)</script>`)
	s := w.open(page.Policy{})
	least := map[string]time.Duration{}
	for range 25 {
		for _, path := range []string{"/app/static.html", "/busy.html"} {
			began := time.Now()
			if v := w.loadIn(s, path); !v.Rendered {
				t.Fatalf("note %q", v.Note)
			}
			if d := time.Since(began); least[path] == 0 || d < least[path] {
				least[path] = d
			}
		}
		if least["/busy.html"]-least["/app/static.html"] >= 100*time.Millisecond {
			return
		}
	}
	t.Errorf("the least of 25 times each: %v", least)
}
