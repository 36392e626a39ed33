package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/internal/research"
)

// deafClient opens a stream and never reads from it.
func deafClient(t *testing.T, c *client, id string) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(c.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.(*net.TCPConn).SetReadBuffer(4096)
	_, err = fmt.Fprintf(conn, "GET /api/tasks/%s/stream HTTP/1.1\r\nHost: legwork\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MTIzNDU2Nzg5MDEyMzQ1Ng==\r\n\r\n", id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, make([]byte, len("HTTP/1.1 101"))); err != nil {
		t.Fatal(err)
	}
}

// TestClientsThatNeverRead: among clients that take nothing, one that reads gets the whole log, and what the others
// leave lying is not kept in memory.
func TestClientsThatNeverRead(t *testing.T) {
	const (
		deaf   = 100
		events = 2000
		size   = 3500 // bytes each: more in all than the kernel buffers for a socket
	)
	w := newWorld(t)
	a := w.app(roleAPI)
	c := newClient(a.apiURL())
	task := w.ask(c, nil)
	id := uuid.MustParse(task.TaskID)
	for range deaf {
		deafClient(t, c, task.TaskID)
	}
	reading := make(chan int, 1)
	conn, err := dialStream(w.ctx(), c, task.TaskID, 0)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer func() { _ = conn.CloseNow() }()
		n := 0
		for {
			_, _, err := conn.Read(w.t.Context())
			if websocket.CloseStatus(err) == websocket.StatusNormalClosure {
				reading <- n
			}
			if err != nil {
				close(reading)
				return
			}
			n++
		}
	}()
	before := heap()
	text := strings.Repeat("x", size)
	for range events / 20 {
		stored, err := a.store.Append(w.t.Context(), nil, id, 1, slices.Repeat([]research.Event{research.Thinking(text, nil)}, 20))
		if err != nil {
			t.Fatal(err)
		}
		a.publisher.Publish(stored)
	}
	grown := int64(heap()) - int64(before)
	if most := int64(deaf * events * size / 10); grown > most {
		t.Errorf("the heap grew by %d MiB; backlogs are kept in memory", grown>>20)
	}
	var end []research.Event
	err = a.store.InTx(w.ctx(), func(ctx context.Context, tx pgx.Tx) (err error) {
		end, err = a.store.Fail(ctx, tx, id, 1, research.Cancelled, &research.Failure{Code: research.CodeCancelled, Message: "enough"}, nil)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	a.publisher.Publish(end)
	if n := <-reading; n != events+2 {
		t.Errorf("the client that reads got %d frames, want %d", n, events+2)
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
