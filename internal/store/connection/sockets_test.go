package connection

import (
	"errors"
	"net"
	"os"
	"testing"
	"time"
)

// TestSocketsEnd checks that a socket to a silent server ends soon: at any deadline that pgx sets, and without a deadline if it does
// not become a session.
func TestSocketsEnd(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	for name, tc := range map[string]struct {
		session bool
		want    error
	}{
		"session":        {true, os.ErrDeadlineExceeded},
		"cancel request": {false, net.ErrClosed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := newSockets().dial(t.Context(), "tcp", silent.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			if tc.session {
				if conn, err = newSockets().established(t.Context(), nil, conn); err != nil {
					t.Fatal(err)
				}
				if err := conn.SetDeadline(time.Now().Add(time.Hour)); err != nil {
					t.Fatal(err)
				}
			}
			read := make(chan error, 1)
			go func() {
				_, err := conn.Read(make([]byte, 1))
				read <- err
			}()
			select {
			case err := <-read:
				if !errors.Is(err, tc.want) {
					t.Errorf("%v, want %v", err, tc.want)
				}
			case <-time.After(time.Minute):
				t.Error("the socket waits for the server")
			}
		})
	}
}
