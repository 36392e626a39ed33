//go:build failpoints

package main

import (
	"context"
	"fmt"
	"os"

	"legwork/internal/failpoint"
)

// armed arms the failpoints that LEGWORK_FAILPOINTS names; builds for tests only.
func armed(ctx context.Context, environ []string) context.Context {
	set, err := failpoint.FromEnv(environ)
	if err != nil {
		fmt.Fprintln(os.Stderr, "legwork:", err)
		os.Exit(1)
	}
	return failpoint.With(ctx, set)
}
