//go:build !failpoints

package jobs

import (
	"testing"

	"legwork/internal/failpoint/tagged"
)

// TestWithFailpoints runs the tests of this package that need the build tag failpoints.
func TestWithFailpoints(t *testing.T) {
	t.Parallel()
	tagged.Run(t, "")
}
