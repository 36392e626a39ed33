// Package tagged lets a plain "go test" run the tests that need the build tag failpoints. Tests only.
package tagged

import (
	"os/exec"
	"testing"
)

// Run runs the caller's package again with the tag failpoints: the tests whose names match a pattern of go test
// -run, or all of them. It is for builds without the tag, in which those tests would be missing without notice.
// With -short it skips.
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
