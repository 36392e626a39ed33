//go:build !failpoints

package main

import "context"

// armed returns ctx, because this build has no failpoints.
func armed(ctx context.Context, _ []string) context.Context { return ctx }
