package deploy

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rhysd/actionlint"
)

// TestWorkflows: actionlint finds nothing in the workflows, and each action is pinned by its commit or by a full version.
func TestWorkflows(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../.github/workflows/*.yml")
	if err != nil || len(files) < 2 {
		t.Fatalf("%v, %v", files, err)
	}
	var out bytes.Buffer
	l, err := actionlint.NewLinter(&out, &actionlint.LinterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	found, err := l.LintFiles(files, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range found {
		t.Errorf("%s:%d:%d: %s", e.Filepath, e.Line, e.Column, e.Message)
	}
	for _, f := range files {
		for _, use := range regexp.MustCompile(`uses: (\S+)`).FindAllStringSubmatch(string(read(t, f)), -1) {
			if !strings.HasPrefix(use[1], "./") && !regexp.MustCompile(`@(v\d+(\.\d+)*|[0-9a-f]{40})$`).MatchString(use[1]) {
				t.Errorf("%s: %s has no version", f, use[1])
			}
		}
	}
}

// TestWorkflowSteps: each step of .ci/run is run by the workflow, and the workflow names no other.
func TestWorkflowSteps(t *testing.T) {
	t.Parallel()
	all := regexp.MustCompile(`(?m)^all="(.*)"$`).FindSubmatch(read(t, "../../.ci/run"))
	if all == nil {
		t.Fatal(".ci/run has no list of steps")
	}
	workflow := string(read(t, "../../.github/workflows/ci.yml"))
	for _, step := range strings.Fields(string(all[1])) {
		if step == "cases" { // their folder is not in the repository
			continue
		}
		if !regexp.MustCompile(`(?m)steps: .*\b` + step + `\b`).MatchString(workflow) {
			t.Errorf("no job of ci.yml runs the step %s", step)
		}
	}
}

// TestRenovate: the configuration is JSON, and the files that its own patterns name exist.
func TestRenovate(t *testing.T) {
	t.Parallel()
	var config struct {
		Extends        []string `json:"extends"`
		CustomManagers []struct {
			FilePatterns []string `json:"managerFilePatterns"`
			MatchStrings []string `json:"matchStrings"`
		} `json:"customManagers"`
	}
	if err := json.Unmarshal(read(t, "../../renovate.json"), &config); err != nil || len(config.Extends) == 0 {
		t.Fatalf("%+v, %v", config, err)
	}
}
