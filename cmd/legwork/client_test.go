package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// TestClientReconnects checks that the client reconnects when a connection breaks, as long as connections bring events.
func TestClientReconnects(t *testing.T) {
	t.Parallel()
	const events = 3 * maxReconnects
	for name, c := range map[string]struct {
		silentAfter int // number of events after which connections bring none
		wantEvents  int
		wantErr     string
		connections int64
	}{
		"an event per connection":    {events, events, "", events},
		"then none, again and again": {5, 5, "20 new connections in a row brought no event", 5 + maxReconnects},
		"never one, from the outset": {0, 0, "20 new connections in a row brought no event", 1 + maxReconnects},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var connections atomic.Int64
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				connections.Add(1)
				conn, err := websocket.Accept(w, r, nil)
				if err != nil {
					return
				}
				defer func() { _ = conn.CloseNow() }()
				var after int
				if _, err := fmt.Sscan(r.URL.Query().Get("after"), &after); err != nil || after >= c.silentAfter {
					return
				}
				kind := "agent:thinking"
				if after == events-1 {
					kind = "agent:complete"
				}
				_ = conn.Write(r.Context(), websocket.MessageText, fmt.Appendf(nil, `{"seq":%d,"type":%q}`, after+1, kind))
			}))
			defer server.Close()
			client := newClient(server.URL)
			client.pause = time.Microsecond
			got := 0
			err := client.follow(t.Context(), "x", func(e event) error {
				if got++; e.Seq != int64(got) {
					t.Errorf("event %d came as %d", e.Seq, got)
				}
				return nil
			})
			if got != c.wantEvents || (err == nil) != (c.wantErr == "") || err != nil && !strings.Contains(err.Error(), c.wantErr) || connections.Load() != c.connections {
				t.Errorf("%d events in %d connections, then %v", got, connections.Load(), err)
			}
		})
	}
}
