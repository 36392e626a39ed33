//go:build failpoints

package main

import (
	"context"
	"fmt"
	"os"

	"legwork/internal/failpoint"
)

// armed returns a context with the failpoints of LEGWORK_FAILPOINTS. Only builds for tests have it.
func armed(ctx context.Context, environ []string) context.Context {
	set, err := failpoint.FromEnv(environ)
	if err != nil {
		fmt.Fprintln(os.Stderr, "legwork:", err)
		os.Exit(1)
	}
	return failpoint.With(ctx, set)
}
