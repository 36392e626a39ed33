//go:build !failpoints

package failpoint

import "context"

// Enabled reports whether failpoints are compiled in.
const Enabled = false

// Hit does nothing without the build tag "failpoints".
func Hit(context.Context, string) {}
