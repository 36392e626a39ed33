package page

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"legwork/internal/research"
	"legwork/internal/testsite"
)

// defective is a Reader that panics if the document contains a certain text.
type defective struct{ *InProcess }

func (d defective) Read(ctx context.Context, base *url.URL, header http.Header, body []byte) (Reading, error) {
	if strings.Contains(string(body), "panic") {
		panic("a defect")
	}
	return d.InProcess.Read(ctx, base, header, body)
}

// TestReaderThatPanics: if the Reader panics on a page, the visit says that the page cannot be read. If it panics on an error page that is
// searched for a CAPTCHA, the error page keeps its own outcome. The process keeps running, and the next page is read.
func TestReaderThatPanics(t *testing.T) {
	t.Parallel()
	site := testsite.Start(t)
	cfg := config()
	cfg.Reader = defective{NewInProcess("")}
	f, _ := fetcher(t, cfg)
	site.Page("/bad.html", "<p>panic")
	site.Page("/good.html", "<p>All is well.")
	site.Handle("/forbidden", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte("<p>panic"))
	})
	for path, want := range map[string]research.Outcome{"/bad.html": research.OutcomeType, "/forbidden": research.OutcomeForbidden, "/good.html": research.OutcomeOK} {
		if v := visit(t, f, site.URL(path), Policy{}); v.Outcome != want {
			t.Errorf("%s: %s %s, want %s", path, v.Outcome, v.Message, want)
		}
	}
	_, doc, err := f.LoadDocument(t.Context(), site.URL("/good.html"), Policy{})
	if err != nil {
		t.Fatal(err)
	}
	before := research.Visit{Outcome: research.OutcomeOK, Page: &research.Page{Text: "As it was sent."}}
	if v := doc.Rendered(t.Context(), before, []byte("<p>panic")); v.Rendered || v.Page != before.Page {
		t.Errorf("what the browser made of it was taken: %+v", v)
	}
}
