package browser_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"testing"
	"time"

	"legwork/internal/goroutine"
	"legwork/internal/page"
	"legwork/internal/page/browser"
)

// defectiveProxy panics when the browser asks for the proxy's password. This happens in a goroutine of a tab.
type defectiveProxy struct{ browser.Proxy }

func (defectiveProxy) Credentials() (user, password string) { panic("a defect") }

// TestPanicInATab: after a panic in a goroutine of a tab, process and browser keep working. The run that loads the page gets the error.
func TestPanicInATab(t *testing.T) {
	w := newWorld(t, func(c *browser.Config) { c.Proxy = defectiveProxy{c.Proxy} })
	ctx, stop := context.WithCancelCause(w.ctx())
	defer stop(nil)
	ctx = goroutine.OnPanic(ctx, func(p *goroutine.PanicError) { stop(p) })
	u, _ := url.Parse(w.site.URL("/page"))
	doc := &page.Document{URL: u, Header: http.Header{"Content-Type": {"text/html"}}, Left: time.Minute,
		Body: []byte(`<p id="p">Wait.</p><script>fetch('/app/data.json').then(() => { p.textContent = 'done' })</script>`)}
	_, err := w.Show(ctx, doc)
	var panicked *goroutine.PanicError
	if err == nil || !errors.As(context.Cause(ctx), &panicked) || panicked.Value != "a defect" {
		t.Fatalf("show: %v; the run was stopped by: %v", err, context.Cause(ctx))
	}
	if html, err := w.Show(w.ctx(), &page.Document{URL: u, Header: doc.Header, Left: time.Minute, Body: []byte("<p>still here</p>")}); err != nil {
		t.Errorf("the browser after the panic: %s, %v", html, err)
	}
}
