package main

import (
	"net/http"
	"strings"
	"testing"

	"legwork/internal/dbtest"
	"legwork/internal/research"
	"legwork/internal/testsite"
)

// TestPagesComeFromTheirSnapshots checks that within PAGE_TTL a second task makes no request, gives the same answer, and reports
// its pages as cached. With fresh, or after PAGE_TTL, it must request the pages.
func TestPagesComeFromTheirSnapshots(t *testing.T) {
	w := newWorld(t)
	c := w.serve(roleAll, "PAGE_TTL=1h")
	first := w.await(c, w.ask(c, nil).TaskID)
	requests := len(w.site.Requests())
	if first.Answer == nil || requests < 3 {
		t.Fatalf("the first task: %+v after %d requests", first, requests)
	}
	second := w.await(c, w.ask(c, nil).TaskID)
	if got := len(w.site.Requests()); got != requests {
		t.Errorf("the second task made %d requests", got-requests)
	}
	if second.Answer == nil || *second.Answer != *first.Answer || second.Usage.Pages != first.Usage.Pages {
		t.Errorf("another answer: %v\n%v", *first.Answer, second.Answer)
	}
	frames, _ := w.frames(c, second.TaskID, 0)
	cached := 0
	for _, f := range frames {
		if strings.Contains(f, `"tool":"navigate_to"`) && strings.Contains(f, `"type":"agent:tool_result"`) {
			if !strings.Contains(f, `"cached":true`) || !strings.Contains(f, `"readAt":"`) {
				t.Errorf("not told: %s", f)
			}
			cached++
		}
	}
	if cached != second.Usage.Pages || w.count(`SELECT count(*) FROM visits WHERE cached AND task_id = $1`, second.TaskID) != cached {
		t.Errorf("%d events, usage %+v", cached, second.Usage)
	}
	if _, body := w.body(c, "/api/tasks/"+second.TaskID+"/artifacts/sources.json"); !strings.Contains(string(body), `"cached": true`) {
		t.Errorf("sources.json: %s", body)
	}

	fresh := w.await(c, w.ask(c, map[string]any{"fresh": true}).TaskID)
	if got := len(w.site.Requests()); got-requests < fresh.Usage.Pages || !fresh.Options.Fresh {
		t.Errorf("fresh: %d requests for %d pages, options %+v", got-requests, fresh.Usage.Pages, fresh.Options)
	}
	requests = len(w.site.Requests())
	w.exec(`UPDATE visits SET fetched_at = fetched_at - interval '61 minutes'`)
	late := w.await(c, w.ask(c, nil).TaskID)
	if got := len(w.site.Requests()); got-requests < late.Usage.Pages {
		t.Errorf("after the time: %d requests for %d pages", got-requests, late.Usage.Pages)
	}
}

// TestCacheObeysTheTask checks that a task's own rules about domains also apply to pages that another task has read.
func TestCacheObeysTheTask(t *testing.T) {
	w := newWorld(t)
	c := w.serve(roleAll, "PAGE_TTL=1h")
	w.await(c, w.ask(c, nil).TaskID)
	denied := w.await(c, w.ask(c, map[string]any{"denyDomains": []string{"127.0.0.1"}}).TaskID)
	if denied.Answer != nil || w.count(`SELECT count(*) FROM visits WHERE task_id = $1 AND page_id IS NOT NULL`, denied.TaskID) != 0 {
		t.Errorf("a denied page was read: %+v", denied)
	}
}

// TestCacheKeepsToTheSite lets one task reach a page by a redirect to another site. A task that follows no links to other sites
// must neither use the snapshot of that page nor follow the redirect.
func TestCacheKeepsToTheSite(t *testing.T) {
	w := newWorld(t)
	abroad := testsite.StartOn(t, "127.0.0.2")
	abroad.Page("/tale.html", `<title>Tale</title><h1>Tale</h1><p>The default value of max_clients is 99 abroad.</p>`)
	w.site.Page("/hub.html", `<title>Hub</title><h1>Hub</h1><p>A page with a link.</p><a href="/leave">The default value of max_clients</a>`)
	w.site.Handle("/leave", func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, abroad.URL("/tale.html"), http.StatusFound)
	})
	c := w.serve(roleAll, "PAGE_TTL=1h")
	for _, allow := range []bool{true, false} {
		task := w.await(c, w.ask(c, map[string]any{"seedUrl": w.site.URL("/hub.html"), "maxDepth": 1, "allowExternalLinks": allow}).TaskID)
		const read = `SELECT count(*) FROM visits WHERE task_id = $1 AND outcome = 'ok' AND final_url = $2`
		if got := w.count(read, task.TaskID, abroad.URL("/tale.html")) == 1; got != allow {
			t.Errorf("allowed %v, read %v: %+v", allow, got, task)
		}
	}
	if n := abroad.Count("/tale.html"); n != 1 {
		t.Errorf("the page abroad was requested %d times", n)
	}
}

// TestCacheOff checks that with PAGE_TTL=0 no page is read from a snapshot, and that no links are stored with visits.
func TestCacheOff(t *testing.T) {
	w := newWorld(t)
	c := w.serve(roleAll)
	w.await(c, w.ask(c, nil).TaskID)
	before := w.site.Count("/index.html")
	w.await(c, w.ask(c, nil).TaskID)
	if w.site.Count("/index.html") != before+1 || w.count(`SELECT count(*) FROM visits WHERE links IS NOT NULL`) != 0 {
		t.Errorf("/index.html was requested %d times", w.site.Count("/index.html"))
	}
	w.ingest(w.ctx(), 0, "--max-pages", "12", w.site.URL("/index.html")) // stores links, for tasks that read pages from the library
	requests := len(w.site.Requests())
	task := w.await(c, w.ask(c, map[string]any{"seedUrl": nil, "searchEngine": "library", "maxPages": 2}).TaskID)
	if got := len(w.site.Requests()); task.Answer == nil || got-requests < task.Usage.Pages {
		t.Errorf("%d requests for what the library proposes: %+v", got-requests, task)
	}
}

// TestCacheIsAnAccounts checks that a task does not get page texts from the snapshots of another account.
func TestCacheIsAnAccounts(t *testing.T) {
	w := newWorld(t)
	c := w.serve(roleAll, "PAGE_TTL=1h")
	w.await(c, w.ask(c, nil).TaskID)
	st := dbtest.Open(t, w.url)
	seed := w.site.URL("/index.html")
	v, err := st.For(research.DefaultAccount).StoredVisit(w.ctx(), 1<<40, seed)
	if err != nil || len(v.Links) == 0 || len(v.Page.Passages) == 0 || !v.Cached {
		t.Errorf("its own: %+v, %v", v, err)
	}
	w.exec(`INSERT INTO accounts (id) VALUES ('other')`)
	if _, err := st.For("other").StoredVisit(w.ctx(), 1<<40, seed); !strings.Contains(err.Error(), research.ErrNotFound.Error()) {
		t.Errorf("another account's: %v", err)
	}
}

// exec runs a statement in the test's database.
func (w *world) exec(sql string, args ...any) {
	w.t.Helper()
	if _, err := dbtest.Open(w.t, w.url).Pool().Exec(w.ctx(), sql, args...); err != nil {
		w.t.Fatal(err)
	}
}
