package main

import (
	"regexp"
	"testing"

	"legwork/internal/failpoint"
)

// withFailpoints are the tests of this package that need the build tag failpoints. In a build without it TestWithFailpoints
// runs them.
const withFailpoints = "^Test(Chaos|Killed.*|Fault_PublisherKilled)$"

// needFailpoints skips a test in a build without failpoints. In a build with them, it fails a test that
// TestWithFailpoints would not run.
func needFailpoints(t *testing.T) {
	t.Helper()
	if failpoint.Enabled {
		return
	}
	if !regexp.MustCompile(withFailpoints).MatchString(t.Name()) {
		t.Fatalf("nothing runs %s: add it to withFailpoints", t.Name())
	}
	t.Skip("needs -tags failpoints: TestWithFailpoints runs it")
}
