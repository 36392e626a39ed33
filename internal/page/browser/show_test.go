package browser_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"legwork/internal/page"
	"legwork/internal/page/browser"
)

// TestShow: a document is shown in a context that is removed when Show returns.
func TestShow(t *testing.T) {
	w := newWorld(t)
	doc := func(body string) *page.Document {
		u, _ := url.Parse(w.site.URL("/results?q=kettle"))
		return &page.Document{URL: u, Header: http.Header{"Content-Type": {"text/html"}}, Body: []byte(body), Left: time.Minute}
	}
	const served = `<p id="p">Wait.</p><script>
		const before = localStorage.getItem('seen'); localStorage.setItem('seen', 'yes');
		fetch('/app/data.json').then(r => r.json()).then(d => setTimeout(() => { p.textContent = location.search + before + d.title }, 150))</script>`
	for range 2 {
		html, err := w.Show(w.ctx(), doc(served))
		if err != nil || !strings.Contains(string(html), "?q=kettlenullDescaling the Kestrel") {
			t.Errorf("%s, %v", html, err)
		}
	}
	if n := w.proxy.count("/app/data.json"); n != 2 || w.site.Count("/results") != 0 {
		t.Errorf("%d requests through the proxy, %d for the document", n, w.site.Count("/results"))
	}
	if n := browser.ContextsOf(w.Browser); n != 0 {
		t.Errorf("%d contexts are left", n)
	}
	if html, err := w.Show(w.ctx(), doc("<p>Plain.")); err != nil || string(html) != "<p>Plain." {
		t.Errorf("without scripts: %s, %v", html, err)
	}
	gone, cancel := context.WithCancel(w.ctx())
	cancel()
	if _, err := w.Show(gone, doc(served)); err == nil {
		t.Error("shown to nobody")
	}
	w.Close()
	if html, err := w.Show(w.ctx(), doc(served)); err == nil {
		t.Errorf("shown by a browser that is closed: %s", html)
	}
}
