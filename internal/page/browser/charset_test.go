package browser_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestQueriesOfShownPages: a page that the browser showed is read in UTF-8, but the queries of its links are encoded in the charset of the
// original page. The links in a frame use the charset of the frame.
func TestQueriesOfShownPages(t *testing.T) {
	w := newWorld(t)
	serve := func(path, charset, body string) {
		w.site.Handle(path, func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", "text/html; charset="+charset)
			_, _ = rw.Write([]byte(body))
		})
	}
	serve("/inner.html", "windows-1252", "<p>Inner text of the frame, in a charset of its own. <a href='in/?q=gr\xf6\xdfe'>size</a></p>")
	serve("/outer.html", "windows-1251", "<title>x</title><p>\xcf\xf0\xe8\xe2\xe5\xf2. <a href='out/?q=\xff'>\xef\xee\xe8\xf1\xea</a></p><iframe src=/inner.html width=400 height=200></iframe>"+
		"<p id=p></p><script>p.textContent = 'written by a script'</script>")
	v := w.load("/outer.html")
	says(t, v, "Привет", "written by a script", "Inner text of the frame")
	if !v.Rendered {
		t.Fatalf("the page was not read as it was shown: %q", v.Note)
	}
	for _, want := range []string{"/out/?q=%FF", "/in/?q=gr%F6%DFe"} {
		found := false
		for _, l := range v.Links {
			found = found || strings.HasSuffix(l.URL, want)
		}
		if !found {
			t.Errorf("no link to %s in %+v", want, v.Links)
		}
	}
}
