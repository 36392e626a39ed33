//go:build !failpoints

package failpoint

import "context"

// Enabled says whether failpoints are compiled in.
const Enabled = false

// Hit marks a place; without the build tag "failpoints" it does nothing and costs nothing.
func Hit(context.Context, string) {}
