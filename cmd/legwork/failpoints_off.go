//go:build !failpoints

package main

import "context"

// armed does nothing: failpoints are compiled in only for tests.
func armed(ctx context.Context, _ []string) context.Context { return ctx }
