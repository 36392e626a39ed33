package deploy

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// TestGoReleaser: releases are built as the Makefile and the Dockerfile build, and are signed. Whether GoReleaser knows every key, its own
// check in ci.yml says: its module needs a newer Go than this one.
func TestGoReleaser(t *testing.T) {
	t.Parallel()
	var project struct {
		Version int
		Builds  []struct {
			Env, Flags, Ldflags []string
			Main                string
		}
		SBOMs, Signs []map[string]any
		Archives     []struct{ Files []string }
	}
	if err := yaml.Unmarshal(read(t, "../../.goreleaser.yaml"), &project); err != nil {
		t.Fatal(err)
	}
	if project.Version != 2 || len(project.Builds) != 1 || len(project.SBOMs) == 0 || len(project.Signs) == 0 || len(project.Archives) != 1 {
		t.Fatalf("%+v", project)
	}
	b := project.Builds[0]
	given := strings.Join(append(append(append([]string{b.Main}, b.Env...), b.Flags...), b.Ldflags...), " ")
	for _, file := range []string{"../../Makefile", "../../Dockerfile"} {
		text := string(read(t, file))
		for _, flag := range []string{"./cmd/legwork", "CGO_ENABLED=0", "-trimpath", "-buildvcs=false", "-X main.version="} {
			if !strings.Contains(text, flag) || !strings.Contains(given, flag) {
				t.Errorf("%s, or .goreleaser.yaml, does not build with %s", file, flag)
			}
		}
	}
	for _, pattern := range project.Archives[0].Files {
		if found, err := filepath.Glob("../../" + pattern); err != nil || len(found) == 0 {
			t.Errorf("an archive has %s, which is not there (%v)", pattern, err)
		}
	}
}

// TestReleaseNotes: the notes of a release are its part of the changelog alone.
func TestReleaseNotes(t *testing.T) {
	t.Parallel()
	notes := func(version string) (string, error) {
		cmd := exec.Command("../../scripts/release-notes.sh", version)
		cmd.Env = append(cmd.Environ(), "CHANGELOG=testdata/changelog.md")
		out, err := cmd.Output()
		return string(out), err
	}
	if got, err := notes("v1.2.0"); err != nil || !strings.Contains(got, "second") || regexp.MustCompile("first|third").MatchString(got) {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := notes("v1.3.0"); err == nil {
		t.Errorf("a version without notes has %q", got)
	}
}
