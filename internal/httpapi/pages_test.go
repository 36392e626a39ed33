package httpapi

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"legwork/internal/research"
)

// visited adds two visits to a task. One has a snapshot that is cited.
func visited(b *bundle) (base, id string) {
	task := b.add(research.Task{Status: research.Running})
	id = strings.Repeat("0a", 32)
	at := time.Date(2026, 3, 5, 14, 30, 0, 0, time.UTC)
	text := "# Kettles\n\nDescale <b>every</b> month.\n"
	v := research.Visit{URL: "https://example.org/k", FinalURL: "https://example.org/kettles", Outcome: research.OutcomeOK, Status: 200, FetchedAt: at,
		Depth: 1, Page: &research.Page{ID: id, Language: "en", Text: text}}
	b.set(func() {
		b.snapshot = v
		b.readings = []research.PageVisit{{Visit: v, Chars: 39, Cited: 1},
			{Visit: research.Visit{URL: "https://example.org/x", FinalURL: "https://example.org/x", Outcome: research.OutcomeDNS, Message: "No such host.", FetchedAt: at}}}
		b.cited = []research.Evidence{{Marker: 2, Number: 5, PageID: id, URL: v.FinalURL, Title: "Kettles", Start: 11, End: 31, Excerpt: "Descale <b>every</b>", Verified: true,
			ScreenshotURL: research.ScreenshotURL(task.ID, "shot-001-1-1.png")}}
	})
	return "/api/tasks/" + task.ID.String() + "/pages", id
}

func TestPages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	base, id := visited(b)
	var list struct{ Pages []map[string]any }
	b.get(base).into(200, &list)
	if len(list.Pages) != 2 {
		t.Fatalf("%v", list)
	}
	for key, want := range map[string]any{"pageId": id, "url": "https://example.org/k", "finalUrl": "https://example.org/kettles", "title": "example.org", "language": "en",
		"outcome": "ok", "status": 200.0, "depth": 1.0, "chars": 39.0, "cited": 1.0, "fetchedAt": "2026-03-05T14:30:00.000Z"} {
		if got := list.Pages[0][key]; got != want {
			t.Errorf("%s is %v, want %v", key, got, want)
		}
	}
	for _, key := range []string{"pageId", "language", "status"} {
		if v, ok := list.Pages[1][key]; ok {
			t.Errorf("a failed visit has %s: %v", key, v)
		}
	}
	if list.Pages[1]["message"] != "No such host." || list.Pages[1]["outcome"] != "dns" {
		t.Errorf("%v", list.Pages[1])
	}

	for _, accept := range []string{"", "*/*", "application/json", "text/html;q=0.5, application/json", "text/html;q=0"} {
		var page map[string]any
		res := b.get(base+"/"+id, "Accept", accept)
		res.into(200, &page)
		citations, _ := page["citations"].([]any)
		if page["text"] != "# Kettles\n\nDescale <b>every</b> month.\n" || page["title"] != "example.org" || len(citations) != 1 || !strings.Contains(strings.Join(res.header.Values("Vary"), ","), "Accept") {
			t.Errorf("Accept %q: %s %v", accept, res.body, res.header)
			continue
		}
		c, _ := citations[0].(map[string]any)
		if c["n"] != 2.0 || c["start"] != 11.0 || c["end"] != 31.0 || c["screenshotUrl"] != b.cited[0].ScreenshotURL {
			t.Errorf("citation %v", c)
		}
	}
}

// TestPageForPeople checks that a snapshot in HTML marks the cited spans, and has a Content-Security-Policy that forbids
// scripts and loads.
func TestPageForPeople(t *testing.T) {
	t.Parallel()
	b := setup(t)
	base, id := visited(b)
	for _, ask := range [][]string{{"", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}, {"?format=html", "application/json"}, {"?format=html", ""}} {
		res := b.get(base+"/"+id+ask[0], "Accept", ask[1])
		csp := res.header.Get("Content-Security-Policy")
		if res.status != 200 || res.header.Get("Content-Type") != "text/html; charset=utf-8" || !strings.HasPrefix(csp, "default-src 'none'; style-src 'sha256-") ||
			res.header.Get("X-Content-Type-Options") != "nosniff" || res.header.Get("Referrer-Policy") != "no-referrer" ||
			!strings.Contains(res.header.Get("Permissions-Policy"), "camera=()") || res.header.Get("Cross-Origin-Opener-Policy") != "same-origin" {
			t.Errorf("%v: %d %v", ask, res.status, res.header)
		}
		for _, want := range []string{`<mark id="cite-2" class="cite-2">Descale &lt;b&gt;every&lt;/b&gt;</mark> month.`, `href="#cite-2"`, `href="https://example.org/kettles" target="_blank" rel="noreferrer noopener nofollow"`,
			"5 March 2026, 14:30 UTC", "the live page may differ", `href="` + b.cited[0].ScreenshotURL + `"`} {
			if !strings.Contains(string(res.body), want) {
				t.Errorf("%v: no %s in %s", ask, want, res.body)
			}
		}
		if strings.Contains(string(res.body), "<script") || strings.Contains(string(res.body), "<img") {
			t.Errorf("%s", res.body)
		}
	}
	if res := b.get(base+"/"+id+"?format=json", "Accept", "text/html"); !json.Valid(res.body) {
		t.Errorf("format=json: %s", res.body)
	}
	b.get(base+"/"+id+"?format=pdf").wantError(422, "validation_error", "format")
}

// TestNoSuchPage checks that a page that the task did not read, and a malformed page id, get 404.
func TestNoSuchPage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	base, id := visited(b)
	for _, page := range []string{strings.Repeat("0b", 32), strings.ToUpper(id), id + "0", id[1:], "x", "%00", "..%2f" + id, id + "%00", "%ff", "..", strings.Repeat("x", 4000)} {
		b.get(base+"/"+page).wantError(404, "not_found")
		b.get(base+"/"+page+"?format=html").wantError(404, "not_found")
	}
	for _, task := range []string{"01a206e7-6568-73e4-b824-b990e8bbd282", "x", "%00"} {
		b.get("/api/tasks/"+task+"/pages").wantError(404, "not_found")
		b.get("/api/tasks/"+task+"/pages/"+id).wantError(404, "not_found")
	}
	b.set(func() { // a page of another account
		for id, task := range b.tasks {
			task.AccountID = "other"
			b.tasks[id] = task
		}
	})
	b.get(base).wantError(404, "not_found")
	b.get(base+"/"+id).wantError(404, "not_found")
}
