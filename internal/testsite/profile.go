package testsite

import (
	"os"
	"testing"
	"time"
)

// BrowserProfile returns a new folder for the profile of a Chromium that a test starts itself. It is removed when the test
// ends. t.TempDir would fail the test then, because processes of a browser that has been killed write to the folder for a
// moment.
func BrowserProfile(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "legwork-test-profile-") //nolint:usetesting // the comment above says why
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for end := time.Now().Add(10 * time.Second); os.RemoveAll(dir) != nil && time.Now().Before(end); {
			<-tick.C
		}
	})
	return dir
}
