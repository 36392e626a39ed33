//go:build !failpoints

package main

import (
	"context"
	"net"
)

// armed returns ctx, because this build has no failpoints.
func armed(ctx context.Context, _ []string) context.Context { return ctx }

// confine returns nil: in this build, only the configuration restricts the networks to which a process may connect.
func confine() func(*net.Dialer) { return nil }
