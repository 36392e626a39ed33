//go:build !linux

package connection

import (
	"net"
	"time"
)

// limitSilence does nothing on systems without TCP_USER_TIMEOUT. There the pings of watch find a dead server.
func limitSilence(net.Conn, time.Duration) error { return nil }
