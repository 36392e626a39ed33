package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"legwork/internal/testsite"
)

// example is a fenced block of the documentation. Its info string is its language and what the tests do with it:
//
//	sh run             runs in bash, after the earlier blocks of the page, beside a server with the settings of the tests
//	sh run serve       starts a server in the background, instead of that of the tests
//	sh run auth        the server of the page has access control; LEGWORK_API_KEY is a key of it
//	sh run model=NAME  the language model is a scripted one that speaks the protocol of the provider NAME; the page has no server
//	sh skip REASON     does not run, for a reason
//	text output        what the block before must print, with … for anything
type example struct {
	line int
	info []string
	text string
}

var fence = regexp.MustCompile("(?ms)^```([^\n]*)\n(.*?)^```$")

func examplesOf(t *testing.T, file string) (out []example) {
	t.Helper()
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range fence.FindAllSubmatchIndex(source, -1) {
		out = append(out, example{line: 1 + bytes.Count(source[:m[0]], []byte("\n")), info: strings.Fields(string(source[m[2]:m[3]])), text: string(source[m[4]:m[5]])})
	}
	return out
}

func (e example) is(language, use string) bool {
	return len(e.info) > 1 && e.info[0] == language && e.info[1] == use
}

func (e example) has(word string) bool { return slices.Contains(e.info, word) }

// TestExamples runs the shell commands of the documentation, and checks that each block says whether it runs, or why it does not.
func TestExamples(t *testing.T) {
	var files []string
	for _, pattern := range []string{"../../README.md", "../../docs/*.md", "../../docs/*/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	ran := 0
	for _, file := range files {
		examples := examplesOf(t, file)
		runs := false
		for _, e := range examples {
			switch {
			case len(e.info) == 0:
				t.Errorf("%s:%d: the block has no language", file, e.line)
			case e.is("sh", "run"):
				runs = true
				ran++
			case e.info[0] == "sh" && (!e.is("sh", "skip") || len(e.info) < 4):
				t.Errorf("%s:%d: the block neither runs (sh run) nor says in some words why not (sh skip REASON)", file, e.line)
			case e.info[0] == "json" && !json.Valid([]byte(e.text)):
				t.Errorf("%s:%d: the block is not JSON", file, e.line)
			}
		}
		if runs {
			t.Run(strings.TrimPrefix(file, "../../"), func(t *testing.T) { runExamples(t, examples) })
		}
	}
	if ran < 10 {
		t.Errorf("only %d blocks run", ran)
	}
}

// exampleKey is the API key of servers with access control.
const exampleKey = "lw_examples00000000_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

func runExamples(t *testing.T, examples []example) {
	w := newWorld(t)
	port := freePort(t)
	env := []string{"API_PORT=" + port, "PATH=" + w.dir + ":" + os.Getenv("PATH"), "HOME=" + w.dir, "LOG_LEVEL=warn", "LEGWORK_API_KEY=" + exampleKey}
	for _, s := range settings(w.url, w.dir) {
		if name, _, _ := strings.Cut(s, "="); name != "API_PORT" && name != "LOG_LEVEL" {
			env = append(env, s)
		}
	}
	program := fmt.Sprintf("#!/bin/sh\n%s=1 exec '%s' \"$@\"\n", asLegwork, os.Args[0])
	for _, name := range []string{"legwork", "bin/legwork"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(w.dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(w.dir, name), []byte(program), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	replace := strings.NewReplacer("127.0.0.1:8000", "127.0.0.1:"+port, "localhost:8000", "127.0.0.1:"+port,
		"https://www.postgresql.org/docs/15/index.html", w.site.URL("/index.html"), "max_connections", "keep_warm_minutes",
		"http://localhost:11434/v1", "$LLM_BASE_URL", "/backups", w.dir+"/backups", "/srv/", w.dir+"/srv/")
	if err := os.MkdirAll(filepath.Join(w.dir, "backups"), 0o755); err != nil {
		t.Fatal(err)
	}
	w.serveExamples(examples, replace, env, port)
	var script strings.Builder
	script.WriteString("set -euo pipefail\n")
	for i, e := range examples {
		if !e.is("sh", "run") || e.has("serve") {
			continue
		}
		fmt.Fprintf(&script, "echo '=== block %d'\n", i)
		for _, word := range e.info {
			if provider, ok := strings.CutPrefix(word, "model="); ok {
				fmt.Fprintf(&script, "unset LLM_PROVIDER; export LLM_BASE_URL=%s\n", w.scripted(provider).BaseURL())
			}
		}
		script.WriteString(replace.Replace(e.text) + "\n")
	}
	cmd := exec.CommandContext(w.ctx(), "bash", "-c", script.String())
	cmd.Env, cmd.Dir = env, w.dir
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s\n%s\n%s", err, script.String(), out, errs.String())
	}
	for i, e := range examples {
		if i > 0 && e.is("text", "output") {
			_, printed, _ := strings.Cut(string(out), fmt.Sprintf("=== block %d\n", i-1))
			printed, _, _ = strings.Cut(printed, "\n=== block ")
			checkOutput(t, e, replace.Replace(e.text), printed)
		}
	}
}

// serveExamples starts the servers that a page's own blocks start, or else one with the settings of the tests.
func (w *world) serveExamples(examples []example, replace *strings.Replacer, env []string, port string) {
	w.t.Helper()
	own, mode := false, "AUTH_MODE=off"
	for _, e := range examples {
		if slices.ContainsFunc(e.info, func(word string) bool { return strings.HasPrefix(word, "model=") }) {
			return // its workers would research the questions, with another model
		}
		if e.has("auth") {
			mode = "AUTH_MODE=required"
		}
		if !e.is("sh", "run") || !e.has("serve") {
			continue
		}
		own = true
		cmd := exec.Command("bash", "-c", "exec env "+replace.Replace(e.text))
		w.launch(cmd, env)
	}
	if !own {
		w.serve(roleAll, "API_PORT="+port, mode, "LEGWORK_BOOTSTRAP_KEY="+exampleKey)
	}
	eventually(w.t, "the server answers", func() bool {
		res, err := http.Get("http://127.0.0.1:" + port + "/health/ready")
		if err == nil {
			_ = res.Body.Close()
		}
		return err == nil && res.StatusCode == http.StatusOK
	})
}

// scripted starts a language model that cites the site's manual.
func (w *world) scripted(provider string) *testsite.LLM {
	w.t.Helper()
	start := map[string]func(testing.TB, testsite.Script) *testsite.LLM{"openai": testsite.OpenAI, "anthropic": testsite.Anthropic, "googleai": testsite.Google}[provider]
	if start == nil {
		w.t.Fatalf("there is no scripted model %q", provider)
	}
	return start(w.t, manualReader(w.site))
}

// checkOutput checks that the lines of want occur in got, in order. … in a line stands for anything.
func checkOutput(t *testing.T, e example, want, got string) {
	t.Helper()
	rest := got
	for line := range strings.Lines(want) {
		if line = strings.TrimSpace(line); line == "" || line == "…" {
			continue
		}
		parts := strings.Split(line, "…")
		for i, p := range parts {
			parts[i] = regexp.QuoteMeta(p)
		}
		at := regexp.MustCompile(strings.Join(parts, ".*")).FindStringIndex(rest)
		if at == nil {
			t.Errorf("line %d: the output lacks %q:\n%s", e.line, line, got)
			return
		}
		rest = rest[at[1]:]
	}
}
