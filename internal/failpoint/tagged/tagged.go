// Package tagged lets a plain "go test" run the tests that need the build tag failpoints. It is for tests only.
package tagged

import (
	"os/exec"
	"testing"
)

// Run runs tests of the caller's package in a build with the tag "failpoints". pattern selects the tests by name, as
// in go test -run; if it is empty, all tests run. A plain "go test" has no such tag and would silently leave out
// these tests if no test called Run. With -short, Run skips them.
func Run(t *testing.T, pattern string) {
	t.Helper()
	if testing.Short() {
		t.Skip("left out with -short: the tests that need -tags failpoints")
	}
	args := []string{"test", "-tags", "failpoints", "-timeout", "30m"}
	if pattern != "" {
		args = append(args, "-run", pattern)
	}
	out, err := exec.CommandContext(t.Context(), "go", append(args, ".")...).CombinedOutput()
	if err != nil {
		t.Errorf("go test -tags failpoints: %v\n%s", err, out)
	}
}
