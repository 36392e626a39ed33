package browser_test

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"legwork/internal/page"
	"legwork/internal/page/browser"
	"legwork/internal/research"
)

// TestReads_rendered: a page whose text is written by scripts is read. Its site gets one request for the document.
func TestReads_rendered(t *testing.T) {
	w := newWorld(t)
	s := w.open(page.Policy{})
	v := w.loadIn(s, "/app/")
	says(t, v, "Descaling the Kestrel", "30 grams of citric acid")
	if !v.Rendered || v.Note != "" {
		t.Errorf("rendered %v, note %q", v.Rendered, v.Note)
	}
	if len(v.Links) == 0 || !strings.HasSuffix(v.Links[len(v.Links)-1].URL, "/about.html") {
		t.Errorf("links: %+v", v.Links)
	}
	if n := w.site.Count("/app/"); n != 1 {
		t.Errorf("the document was requested %d times", n)
	}
	if w.proxy.count("/app/data.json") != 1 || w.proxy.count("/app/") != 0 {
		t.Errorf("proxy: %v", w.proxy.n)
	}
	for _, r := range w.site.Requests() {
		if r.UserAgent != "legwork/test" {
			t.Errorf("%s came from %q", r.Path, r.UserAgent)
		}
	}
	says(t, w.loadIn(s, "/app/#advanced"), "104 degrees")
	says(t, w.loadIn(s, "/app/blank.html"), "27 months")
}

// TestReads_plain: HTML without scripts, and documents that are not HTML, are not shown in the browser.
func TestReads_plain(t *testing.T) {
	w := newWorld(t)
	w.site.Page("/plain.html", `<!DOCTYPE html><title>Plain</title><h1>Plain</h1><p>The Kestrel weighs 900 grams.</p><script type="application/ld+json">{}</script>`)
	for _, path := range []string{"/plain.html", "/changes.txt"} {
		v := w.load(path)
		says(t, v)
		if v.Rendered || v.Note != "" {
			t.Errorf("%s: rendered %v, note %q", path, v.Rendered, v.Note)
		}
	}
	if got := processes(w.dir); len(got) > 0 {
		t.Errorf("a browser was started for nothing: %v", got)
	}
	if v := w.load("/status/404"); v.Outcome != research.OutcomeNotFound {
		t.Errorf("404: %s", v.Outcome)
	}
}

// TestReads_parts: frames of the same site and open shadow roots are parts of the text.
func TestReads_parts(t *testing.T) {
	w := newWorld(t)
	v := w.load("/app/frames.html")
	says(t, v, "This page is made of parts.", "18 millilitres a second", "The handle of the Kestrel is made of beech.", "It stays below 40 degrees.")
	found := false
	for _, l := range v.Links {
		found = found || l.URL == w.site.URL("/app/inner-link.html")
	}
	if !found {
		t.Errorf("the frame's link is missing: %+v", v.Links)
	}
	denied := w.loadIn(w.open(page.Policy{DenyDomains: []string{"localhost"}}), "/app/frames.html")
	says(t, denied, "18 millilitres a second") // this text is from 127.0.0.1, another host
}

// TestReads_framePolicy: a frame from a host that the policy forbids is not loaded.
func TestReads_framePolicy(t *testing.T) {
	w := newWorld(t)
	elsewhere := strings.Replace(w.site.URL("/app/inner.html"), "127.0.0.1", "127.0.0.2", 1)
	w.site.Page("/outside.html", `<!DOCTYPE html><title>Outside</title><h1>Outside</h1><p>There is more elsewhere.</p><iframe src="`+elsewhere+`" width="300" height="100"></iframe>`)
	says(t, w.loadIn(w.open(page.Policy{StayOn: "127.0.0.1"}), "/outside.html"), "There is more elsewhere.")
	if n := w.site.Count("/app/inner.html"); n != 0 {
		t.Errorf("the frame was requested %d times", n)
	}
}

// TestReads_banner: a consent banner does not hide the text, and its own text is not read.
func TestReads_banner(t *testing.T) {
	w := newWorld(t)
	v := w.load("/app/banner.html")
	says(t, v, "Wipe the Kestrel with a damp cloth")
	lacks(t, v, "842 partners", "Accept all")
	if !v.Rendered {
		t.Errorf("not rendered: %s", v.Note)
	}
	// This banner is in the middle of the content, and its class name does not say that it is a banner.
	w.site.Page("/inside.html", `<!DOCTYPE html><title>Inside</title><style>.x7f2 { position: fixed; bottom: 0 }</style><main><h1>Care</h1><p>Wipe the Kestrel with a damp cloth, never with bleach.</p><p id="p">`+
		strings.Repeat("Dry it with a soft towel and store it in a dry place. ", 30)+`</p><p>It lasts for years.</p></main><script>
		document.getElementById('p').insertAdjacentHTML('afterend', '<section class="x7f2"><p>We and our 842 partners store cookies on your device, for many purposes that are dear to us.</p><button>Accept all</button></section>')</script>`)
	v = w.load("/inside.html")
	says(t, v, "with a damp cloth", "lasts for years")
	lacks(t, v, "842 partners", "Accept all")
}

// TestReads_dialogsAndWindows: dialogs are dismissed, windows and downloads are refused, and service workers are not available.
func TestReads_dialogsAndWindows(t *testing.T) {
	w := newWorld(t)
	s := w.open(page.Policy{}) // the same rules apply to the second page in a tab
	says(t, w.loadIn(s, "/app/dialogs.html"), "2400 hertz", "Confirmed: false")
	says(t, w.loadIn(s, "/app/popups.html"), "75 centimetres")
	for _, path := range []string{"/app/popup.html", "/download.zip", "/app/sw.js"} {
		if n := w.proxy.count(path); n != 0 {
			t.Errorf("%s was requested %d times", path, n)
		}
	}
	says(t, w.load("/app/worker.html"), "There are no service workers here.")
}

// TestReads_withoutPictures: for reading, images, fonts and media are not loaded. Styles are loaded, because without them it is unknown
// what covers the page.
func TestReads_withoutPictures(t *testing.T) {
	w := newWorld(t)
	says(t, w.load("/app/images.html"), "three colours", "A red kettle")
	if w.site.Count("/app/style.css") != 1 || w.site.Count("/app/kettle.png") != 0 || w.site.Count("/app/kettle.woff2") != 0 {
		t.Errorf("proxy: %v", w.proxy.n)
	}
}

// TestReads_scriptRedirect: if a script navigates to another address, the Fetcher loads it, spaced and under the policy.
func TestReads_scriptRedirect(t *testing.T) {
	w := newWorld(t)
	v := w.load("/app/leaves.html")
	says(t, v, "30 grams of citric acid")
	if v.URL != w.site.URL("/app/leaves.html") || v.FinalURL != w.site.URL("/app/") {
		t.Errorf("%s became %s", v.URL, v.FinalURL)
	}
	if w.proxy.count("/app/") != 0 || w.site.Count("/app/") != 1 {
		t.Errorf("the target came through the proxy: %v", w.proxy.n)
	}
	w.site.Page("/trap.html", `<!DOCTYPE html><script>location.href = '/private/secret.html'</script>`)
	if v := w.load("/trap.html"); v.Outcome != research.OutcomeRobots || w.site.Count("/private/secret.html") != 0 {
		t.Errorf("%s: %s", v.Outcome, v.Message)
	}
}

// TestReads_staysOn: if a load must stay on a domain, no redirect by the server or by a script leaves the domain.
func TestReads_staysOn(t *testing.T) {
	w := newWorld(t)
	elsewhere := strings.Replace(w.site.URL("/app/"), "127.0.0.1", "127.0.0.2", 1)
	w.site.Page("/script.html", `<!DOCTYPE html><title>Gone</title><script>location.href = '`+elsewhere+`'</script>`)
	w.site.Handle("/server.html", func(rw http.ResponseWriter, r *http.Request) { http.Redirect(rw, r, elsewhere, http.StatusFound) })
	s := w.Open(page.Scope{OwnLinks: true})
	t.Cleanup(s.Close)
	for _, path := range []string{"/script.html", "/server.html"} {
		v, err := s.Load(w.ctx(), page.Address{URL: w.site.URL(path), Depth: 1})
		if err != nil || v.Outcome != research.OutcomePolicy || !strings.Contains(v.Message, "127.0.0.2 is outside 127.0.0.1") {
			t.Errorf("%s: %s: %s, %v", path, v.Outcome, v.Message, err)
		}
	}
	if n := w.site.Count("/app/"); n != 0 {
		t.Errorf("the page elsewhere was requested %d times", n)
	}
}

// TestReads_scriptsRemoveText: if scripts remove the text of a page, the text that the server sent is used.
func TestReads_scriptsRemoveText(t *testing.T) {
	w := newWorld(t)
	v := w.load("/app/eats.html")
	says(t, v, "180 micrometres")
	if v.Rendered || v.Note == "" {
		t.Errorf("rendered %v, note %q", v.Rendered, v.Note)
	}
}

// TestReads_neverSettles: a page that never stops changing is read when its time is over.
func TestReads_neverSettles(t *testing.T) {
	w := newWorld(t, func(c *browser.Config) { c.RenderTime = 3 * time.Second })
	s := w.open(page.Policy{})
	began := time.Now()
	v := w.loadIn(s, "/app/spin.html")
	says(t, v, "360 degrees")
	if v.Rendered || !strings.Contains(v.Note, "still busy") {
		t.Errorf("rendered %v, note %q", v.Rendered, v.Note)
	}
	if d := time.Since(began); d > 40*time.Second {
		t.Errorf("it took %s", d)
	}
	w.noTabs() // no tab was left open
	w.site.Page("/clock.html", `<!DOCTYPE html><title>Clock</title><h1>Clock</h1><p>The clock of the Kestrel shows seconds.</p><p id="p"></p><script>
		setInterval(() => { document.getElementById('p').textContent += ' tick' }, 20)</script>`)
	if v = w.loadIn(s, "/clock.html"); !v.Rendered || !strings.Contains(v.Page.Text, "tick tick") {
		t.Errorf("a page that always changes: rendered %v, note %q", v.Rendered, v.Note)
	}
}

// TestReads_download: a page cannot save files, not even files that its own script made.
func TestReads_download(t *testing.T) {
	w := newWorld(t)
	w.site.Page("/saves.html", `<!DOCTYPE html><title>Saves</title><h1>Saves</h1><p>The Kestrel saves water.</p><script>
		const a = document.createElement('a'); a.download = 'kestrel-saved.txt'; a.href = URL.createObjectURL(new Blob(['secret']));
		document.body.append(a); a.click();
		const b = document.createElement('a'); b.download = 'kestrel-saved.txt'; b.href = '/download.zip'; document.body.append(b); b.click()</script>`)
	s := w.open(page.Policy{})
	says(t, w.loadIn(s, "/saves.html"), "saves water")
	says(t, w.loadIn(s, "/app/"), "citric acid")
	if n := w.site.Count("/download.zip"); n != 0 {
		t.Errorf("the download was requested %d times", n)
	}
	err := filepath.WalkDir(w.dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && (strings.Contains(path, "kestrel-saved") || strings.HasSuffix(path, ".crdownload")) {
			t.Errorf("%s was saved", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestReads_growing: a page that sends requests forever is read when its content no longer changes.
func TestReads_growing(t *testing.T) {
	w := newWorld(t)
	v := w.load("/app/growing.html")
	says(t, v, "half litres")
	if !v.Rendered {
		t.Errorf("not rendered: %s", v.Note)
	}
}

// TestReads_wall: a login page is recognised in the browser too.
func TestReads_wall(t *testing.T) {
	w := newWorld(t)
	if v := w.load("/login-wall"); v.Outcome != research.OutcomeBlocked {
		t.Errorf("login wall: %s", v.Outcome)
	}
	w.site.Page("/late-wall.html", `<!DOCTYPE html><title>Late</title><div id="root">Loading the app …</div><script>
		document.getElementById('root').innerHTML = '<form><h1>Sign in</h1><input name=u><input type=password></form>'</script>`)
	if v := w.load("/late-wall.html"); v.Outcome == research.OutcomeOK && strings.Contains(v.Page.Text, "Sign in") {
		t.Errorf("the wall was read: %s", v.Page.Text)
	}
	w.site.Page("/captcha-script.html", `<!DOCTYPE html><title>App</title><script src="/none/recaptcha/api.js"></script><div id="root"></div><script>
		document.getElementById('root').innerHTML = '<main><h1>Boiling</h1><p>' + 'The Kestrel boils a litre in 150 seconds. '.repeat(60) + '</p></main>'</script>`)
	says(t, w.load("/captcha-script.html"), "150 seconds") // a page with a form and enough text is not a CAPTCHA page
}

// TestReads_cancel: when the caller's context ends, Load returns at once, and the tab is closed.
func TestReads_cancel(t *testing.T) {
	w := newWorld(t)
	s := w.open(page.Policy{})
	says(t, w.loadIn(s, "/app/"), "citric acid")
	release := w.site.Hold("/app/data.json")
	defer release()
	ctx, cancel := context.WithCancel(w.ctx())
	done := make(chan error, 1)
	go func() {
		_, err := s.Load(ctx, page.Address{URL: w.site.URL("/app/")})
		done <- err
	}()
	if err := w.site.WaitFor(w.ctx(), "/app/data.json", 2); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if d := time.Since(began); d > time.Second {
		t.Errorf("it took %s to leave", d)
	}
	w.noTabs()
}

// TestReads_proxyGone: if nothing listens at the proxy's address, the page's requests fail, and the text that the server sent is used.
func TestReads_proxyGone(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = ln.Close()
	w := newWorld(t, func(c *browser.Config) { c.Proxy = &proxy{ln: ln, n: map[string]int{}} })
	if v := w.load("/app/"); v.Outcome != research.OutcomeOK && v.Outcome != research.OutcomeEmpty {
		t.Errorf("%s: %s", v.Outcome, v.Message)
	}
	says(t, w.load("/app/static.html"), "85 degrees")
	for _, path := range []string{"/app/app.js", "/app/data.json"} {
		if n := w.site.Count(path); n != 0 {
			t.Errorf("%s was reached %d times", path, n)
		}
	}
}
