package httpapi

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestServerTimeoutsHold makes the timeouts of the server a hundred times shorter, and checks that they end the connections of
// clients that do not finish a request or do not read the answer.
func TestServerTimeoutsHold(t *testing.T) {
	t.Parallel()
	b := setup(t)
	written := make(chan error, 1)
	mux := http.NewServeMux()
	mux.Handle("/", b.api)
	mux.HandleFunc("GET /much", func(w http.ResponseWriter, _ *http.Request) {
		piece := bytes.Repeat([]byte("much "), 1<<14)
		for {
			if _, err := w.Write(piece); err != nil {
				written <- err
				return
			}
		}
	})
	srv := Server("", mux, slog.New(slog.DiscardHandler))
	for _, d := range []*time.Duration{&srv.ReadHeaderTimeout, &srv.ReadTimeout, &srv.WriteTimeout, &srv.IdleTimeout} {
		*d /= 100
	}
	b.serve(srv)
	// send opens a connection, sends text, and returns what arrives until the server closes.
	send := func(text string) string {
		t.Helper()
		conn, err := net.Dial("tcp", b.http.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		if _, err := io.WriteString(conn, text); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(text, "/much") { // the answer is large, and the client does not read it
			return ""
		}
		_ = conn.SetDeadline(time.Now().Add(testTimeout))
		got, err := io.ReadAll(conn)
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			t.Errorf("the server keeps the connection of %.30q open; it has said %.60q", text, got)
		}
		return string(got)
	}
	for what, text := range map[string]string{
		"nothing":         "",
		"half a header":   "GET /health HTTP/1.1\r\nHost: localhost\r\nAcc",
		"a body to come":  "POST /api/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"question\"",
		"no next request": "GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n",
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			got := send(text)
			want := map[string]string{"a body to come": "HTTP/1.1 4", "no next request": "HTTP/1.1 200"}[what]
			if !strings.HasPrefix(got, want) {
				t.Errorf("the answer is %.200q, want %q", got, want)
			}
		})
	}
	send("GET /much HTTP/1.1\r\nHost: localhost\r\n\r\n")
	select {
	case err := <-written:
		if err == nil {
			t.Error("all was written to a client that does not read")
		}
	case <-time.After(testTimeout):
		t.Error("the server goes on writing to a client that does not read")
	}
}
