//go:build !failpoints

package main

import (
	"testing"

	"legwork/internal/failpoint/tagged"
)

// TestWithFailpoints runs the tests of this package that need the build tag failpoints.
func TestWithFailpoints(t *testing.T) { tagged.Run(t, withFailpoints) }
