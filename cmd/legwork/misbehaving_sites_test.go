package main

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"legwork/api"
	"legwork/internal/research"
	"legwork/internal/testsite"
)

// toolResult is the event with the result of a page load.
type toolResult struct {
	Type      string    `json:"type"`
	Tool      string    `json:"tool"`
	Success   bool      `json:"success"`
	Timestamp time.Time `json:"timestamp"`
	Args      struct {
		URL string `json:"url"`
	} `json:"args"`
	Result struct {
		Outcome research.Outcome `json:"outcome"`
		Message string           `json:"message"`
	} `json:"result"`
}

// TestMisbehavingSites lets one task open pages with every kind of error. An event must report each error within a
// time limit, with its class and a sentence, and the task must find its answer all the same.
func TestMisbehavingSites(t *testing.T) {
	t.Run("over HTTP", func(t *testing.T) { misbehavingSites(t, "off", 4*time.Second) })
	t.Run("with a browser", func(t *testing.T) { misbehavingSites(t, "auto", 8*time.Second) })
}

// misbehavingSites runs the task. browser is the value of BROWSER, and limit that of FETCH_TIMEOUT.
func misbehavingSites(t *testing.T, browser string, limit time.Duration) {
	w := newWorld(t)
	busy := testsite.Start(t)
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	w.site.Handle("/export", func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/zip")
		rw.Header().Set("Content-Disposition", `attachment; filename="export.zip"`)
		_, _ = rw.Write([]byte("PK\x03\x04"))
	})
	type badPage struct {
		url     string
		outcome research.Outcome
	}
	badPages := []badPage{
		{w.site.URL("/status/404"), research.OutcomeNotFound},
		{w.site.URL("/status/401"), research.OutcomeForbidden},
		{w.site.URL("/status/403"), research.OutcomeForbidden},
		{w.site.URL("/status/418"), research.OutcomeHTTPError},
		{w.site.URL("/status/500"), research.OutcomeServerError},
		{w.site.URL("/status/502"), research.OutcomeServerError},
		{busy.URL("/retry-after?value=0"), research.OutcomeRateLimited},
		{busy.URL("/retry-after?value=0&status=503"), research.OutcomeServerError},
		{busy.URL("/status/429"), research.OutcomeRateLimited},
		{busy.URL("/index.html"), research.OutcomeRateLimited}, // the site has answered "busy" three times in a row, so this page is not requested
		{secure.URL + "/", research.OutcomeTLS},
		{strings.Replace(w.site.URL("/secure"), "http:", "https:", 1), research.OutcomeTLS},
		{"http://no-such-host.invalid/kettle", research.OutcomeDNS},
		{"http://192.168.255.254:81/kettle", research.OutcomeNetwork},
		{w.site.URL("/redirect-private"), research.OutcomeNetwork},
		{w.site.URL("/redirect-loop"), research.OutcomeRedirects},
		{w.site.URL("/redirect/30"), research.OutcomeRedirects},
		{w.site.URL("/redirect-file"), research.OutcomeBadURL},
		{w.site.URL("/slow"), research.OutcomeTimeout},
		{w.site.URL("/huge"), research.OutcomeTooLarge},
		{w.site.URL("/huge-length"), research.OutcomeTooLarge},
		{w.site.URL("/gzip-bomb"), research.OutcomeTooLarge},
		{w.site.URL("/binary.bin"), research.OutcomeType},
		{w.site.URL("/export"), research.OutcomeType},
		{w.site.URL("/nothing"), research.OutcomeEmpty},
		{w.site.URL("/login-wall"), research.OutcomeBlocked},
		{w.site.URL("/captcha"), research.OutcomeBlocked},
		{w.site.URL("/private/secret.html"), research.OutcomeRobots},
		{w.site.URL("/cut"), research.OutcomeConnection},
		{w.site.URL("/reset"), research.OutcomeConnection},
		{w.site.URL("/charset/wrong"), research.OutcomeOK},
		{w.site.URL("/charset/latin1"), research.OutcomeOK},
		{w.site.URL("/broken.html"), research.OutcomeOK},
		{w.site.URL("/nul"), research.OutcomeOK},
		// Pages that are hard for a browser: an endless script, frames, endless requests. Dialogs are below.
		{w.site.URL("/app/spin.html"), research.OutcomeOK},
		{w.site.URL("/app/frames.html"), research.OutcomeOK},
		{w.site.URL("/app/growing.html"), research.OutcomeOK},
	}
	if browser == "off" {
		badPages = append(badPages, badPage{w.site.URL("/app/dialogs.html"), research.OutcomeEmpty}) // its text exists only after the script has run
	} else {
		badPages = append(badPages, badPage{w.site.URL("/app/dialogs.html"), research.OutcomeOK})
	}
	var links strings.Builder
	for i, s := range badPages {
		fmt.Fprintf(&links, `<li><a href="%s">The default value of keep_warm_minutes, part %d</a></li>`, html.EscapeString(s.url), i)
	}
	w.site.Page("/storm.html", `<html lang="en"><title>Storm</title><h1>Storm</h1><p>Nobody knows where it is written.</p><ul>`+links.String()+
		`</ul><p><a href="/manual/settings-heating.html">Heating: the minutes</a></p>`)
	c := w.serve(roleAll, "BROWSER="+browser, fmt.Sprint("FETCH_TIMEOUT=", limit), "FETCH_MAX_BYTES=1MiB")
	task := w.ask(c, map[string]any{"seedUrl": w.site.URL("/storm.html"), "maxPages": 50, "maxDepth": 1, "timeBudget": 300})
	done := w.await(c, task.TaskID)
	if done.Status != api.StatusCompleted || done.Answer == nil || !strings.Contains(*done.Answer, "25") {
		t.Errorf("ended as %s with %v, %v", done.Status, done.Answer, done.Error)
	}
	frames, _ := w.frames(c, task.TaskID, 0)
	gapless(t, frames, 1)
	results, began, url := map[string]toolResult{}, time.Time{}, ""
	took := map[string]time.Duration{}
	for _, f := range frames {
		var e toolResult
		if err := json.Unmarshal([]byte(f), &e); err != nil {
			t.Fatal(err)
		}
		switch {
		case e.Tool != "navigate_to":
		case e.Type == "agent:tool_call":
			began, url = e.Timestamp, e.Args.URL
		case e.Type == "agent:tool_result":
			results[url], took[url] = e, e.Timestamp.Sub(began)
		}
	}
	for _, s := range badPages {
		r, ok := results[s.url]
		switch {
		case !ok:
			t.Errorf("%s was not opened", s.url)
		case r.Result.Outcome != s.outcome || r.Success != (s.outcome == research.OutcomeOK):
			t.Errorf("%s: %s, success %v, want %s: %s", s.url, r.Result.Outcome, r.Success, s.outcome, r.Result.Message)
		case !r.Success && (len(r.Result.Message) < 20 || !strings.HasSuffix(r.Result.Message, ".")):
			t.Errorf("%s: the message is %q", s.url, r.Result.Message)
		case took[s.url] > 3*limit && !strings.HasPrefix(s.url, busy.URL("")): // the busy site is excepted, because legwork has to wait before it requests it
			t.Errorf("%s took %v", s.url, took[s.url])
		}
	}
	if r := results[busy.URL("/index.html")]; !strings.Contains(r.Result.Message, "three times in a row") || busy.Count("/index.html") != 0 {
		t.Errorf("the busy site was asked again: %q", r.Result.Message)
	}
}
