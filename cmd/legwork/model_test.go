package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"legwork/cmd/legwork/commands"
	"legwork/internal/testsite"
)

// manualReader is a scripted model that cites the network page of the site's manual and answers.
func manualReader(site *testsite.Site) testsite.Script {
	return func(n int, r testsite.ModelRequest) testsite.Turn {
		arguments := func(v map[string]string) string { b, _ := json.Marshal(v); return string(b) }
		page := site.URL("/manual/settings-network.html")
		switch {
		case len(r.Tools()) == 0:
			return testsite.Turn{Text: "The port is 7047 [1]."}
		case strings.Contains(r.Raw, "Kept as evidence"):
			return testsite.Turn{Text: "DONE"}
		case strings.Contains(r.Raw, "7047"):
			return testsite.Turn{Calls: []testsite.ToolCall{{Name: "cite", Arguments: arguments(map[string]string{"url": page,
				"quote": "The TCP port of the kettle's interface, 7047 unless changed."})}}}
		}
		return testsite.Turn{Text: "I open the page.", Calls: []testsite.ToolCall{{Name: "navigate_to", Arguments: arguments(map[string]string{"url": page})}}}
	}
}

// TestModelAnswers runs a task through API, worker, tool loop and a model over HTTP. /health and doctor must report the model.
func TestModelAnswers(t *testing.T) {
	for provider, start := range map[string]func(testing.TB, testsite.Script) *testsite.LLM{"openai": testsite.OpenAI, "anthropic": testsite.Anthropic, "googleai": testsite.Google} {
		t.Run(provider, func(t *testing.T) {
			w := newWorld(t)
			server := start(t, manualReader(w.site))
			server.Demand("sk-secret", "scripted")
			env := []string{"LLM_PROVIDER=" + provider, "LLM_BASE_URL=" + server.BaseURL(), "LLM_MODEL=scripted", "LLM_API_KEY=sk-secret"}
			c := w.serve(roleAll, env...)
			done := w.await(c, w.ask(c, map[string]any{"question": "Which port is listen_port?"}).TaskID)
			if done.Answer == nil || *done.Answer != "The port is 7047 [1]." {
				t.Fatalf("task = %+v", done)
			}
			if len(done.Citations) != 1 || done.Citations[0].URL != w.site.URL("/manual/settings-network.html") {
				t.Errorf("citations = %+v", done.Citations)
			}
			for k, want := range map[string]any{"languageModel": true, "provider": provider, "model": "scripted", "partial": false} {
				if done.Metadata[k] != want {
					t.Errorf("metadata.%s = %v, want %v", k, done.Metadata[k], want)
				}
			}
			_, health := w.body(c, "/health")
			if !strings.Contains(string(health), `"provider":"`+provider+`"`) || !strings.Contains(string(health), `"langchainConnected":true`) {
				t.Errorf("health = %s", health)
			}
			all := append(settings(w.url, w.dir), env...)
			if status, out, _ := w.run(w.ctx(), all, "doctor"); status != 0 || !strings.Contains(out, "ok    model") {
				t.Errorf("doctor: %d\n%s", status, out)
			}
			server.Demand("another", "scripted")
			status, out, _ := w.run(w.ctx(), all, "doctor")
			if status != commands.ExitFailed || !strings.Contains(out, "LLM_API_KEY") || strings.Contains(out, "sk-secret") {
				t.Errorf("doctor with a wrong key: %d\n%s", status, out)
			}
		})
	}
}

// TestModelIsDown checks that the server starts without its model and reports that, and that the error of a task says what to
// change.
func TestModelIsDown(t *testing.T) {
	w := newWorld(t)
	server := testsite.OpenAI(t, testsite.Play(testsite.Turn{Status: 404, Error: "model not found"}))
	server.Demand("", "another")
	c := w.serve(roleAll, "LLM_PROVIDER=openai", "LLM_BASE_URL="+server.BaseURL(), "LLM_MODEL=scripted")
	_, health := w.body(c, "/health")
	if !strings.Contains(string(health), `"status":"degraded"`) || !strings.Contains(string(health), "LLM_MODEL") {
		t.Errorf("health = %s", health)
	}
	done := w.await(c, w.ask(c, nil).TaskID)
	if done.ErrorCode == nil || *done.ErrorCode != "model_failed" || !strings.Contains(*done.Error, "LLM_MODEL") {
		t.Errorf("task = %+v", done)
	}
}

// TestModelHandedOn stops a worker during a run. The next worker must continue from the journal, without repeating a
// call of the model.
func TestModelHandedOn(t *testing.T) {
	w := newWorld(t)
	play, waits := manualReader(w.site), make(chan struct{})
	server := testsite.OpenAI(t, func(n int, r testsite.ModelRequest) testsite.Turn {
		if n == 1 {
			close(waits)
			return testsite.Turn{Hang: true}
		}
		return play(n, r)
	})
	env := []string{"LLM_PROVIDER=openai", "LLM_BASE_URL=" + server.BaseURL(), "LLM_MODEL=scripted"}
	c := w.serve(roleAPI, env...)
	first := w.app(roleWorker, env...)
	task := w.ask(c, map[string]any{"question": "Which port is listen_port?"})
	select {
	case <-waits:
	case <-time.After(waitLimit):
		t.Fatal("the model was never asked")
	}
	first.Stop(w.ctx())
	w.app(roleWorker, env...)
	done := w.await(c, task.TaskID)
	if done.Answer == nil || *done.Answer != "The port is 7047 [1]." {
		t.Fatalf("task = %+v", done)
	}
	if n := len(server.Requests()); n != 6 { // four calls, the one that judges the support, and the one that the stop interrupted, which the next worker repeats
		t.Errorf("%d calls of the model", n)
	}
	frames, _ := w.frames(c, task.TaskID, 0)
	gapless(t, frames, 1)
}
