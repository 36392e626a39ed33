package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/internal/dbtest"
	"legwork/internal/research"
)

// clientThatNeverReads opens a stream and never reads from it. It sets small TCP segments, so that the kernel's buffers are small
// and the server soon notices that the client does not read.
func clientThatNeverReads(t *testing.T, c *client, id string) {
	t.Helper()
	small := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) error {
		var err error
		if failed := raw.Control(func(fd uintptr) {
			if err = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_MAXSEG, 536); err == nil {
				err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4096)
			}
		}); failed != nil {
			return failed
		}
		return err
	}}
	conn, err := small.DialContext(t.Context(), "tcp", strings.TrimPrefix(c.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_, err = fmt.Fprintf(conn, "GET /api/tasks/%s/stream HTTP/1.1\r\nHost: legwork\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MTIzNDU2Nzg5MDEyMzQ1Ng==\r\n\r\n", id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, make([]byte, len("HTTP/1.1 101"))); err != nil {
		t.Fatal(err)
	}
}

// growingTask is a task whose log grows, with a client that reads all of it.
type growingTask struct {
	*world
	app    *app
	id     uuid.UUID
	frames chan string // closed when the stream has ended with status 1000
	read   int64
}

func listen(w *world, a *app, c *client, id string) *growingTask {
	conn, err := dialStream(w.ctx(), c, id, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	l := &growingTask{world: w, app: a, id: uuid.MustParse(id), frames: make(chan string, 4096)}
	go func() {
		defer func() { _ = conn.CloseNow() }()
		for {
			_, frame, err := conn.Read(w.t.Context())
			if websocket.CloseStatus(err) == websocket.StatusNormalClosure {
				close(l.frames)
			}
			if err != nil {
				return
			}
			l.frames <- string(frame)
		}
	}()
	return l
}

// take reads all frames up to seq. There must be no gap in their seqs.
func (l *growingTask) take(seq int64) {
	l.t.Helper()
	for l.read < seq {
		select {
		case frame, open := <-l.frames:
			l.read++
			if want := fmt.Sprintf(`{"seq":%d,`, l.read); !open || !strings.HasPrefix(frame, want) {
				l.t.Fatalf("%.20q instead of %s", frame, want)
			}
		case <-l.ctx().Done():
			l.t.Fatalf("no frame %d", l.read+1)
		}
	}
}

// grow commits n events of a size, and repeats this for the given number of commits. It returns the median time from
// a commit until the client has received its events.
func (l *growingTask) grow(commits, n, size int) time.Duration {
	l.t.Helper()
	event := research.Thinking(strings.Repeat("x", size), nil)
	var took []time.Duration
	for range commits {
		stored, err := l.app.store.Worker().Append(l.t.Context(), nil, l.id, 1, slices.Repeat([]research.Event{event}, n))
		if err != nil {
			l.t.Fatal(err)
		}
		began := time.Now()
		l.app.publisher.Publish(stored)
		l.take(stored[n-1].Seq)
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return took[len(took)/2]
}

// TestClientsThatNeverRead opens a thousand streams from which nobody reads. Another client, which reads, must get
// the whole log as fast as without them, and events that the thousand have not read must not be kept in memory.
func TestClientsThatNeverRead(t *testing.T) {
	const (
		deaf    = 1000
		backlog = 1 << 20  // bytes of events, more than the kernel buffers for one client
		each    = 96 << 10 // bytes of heap that one client may use; a stream reads a log in pieces of 64 KiB
	)
	w := newWorld(t)
	a := w.app(roleAPI)
	c := newClient(a.apiURL())
	task := w.ask(c, nil)
	l := listen(w, a, c, task.TaskID)
	l.take(1)
	alone := l.grow(100, 1, 300)
	for range deaf {
		clientThatNeverReads(t, c, task.TaskID)
	}
	before := heapInUse()
	l.grow(20, 15, backlog/20/15)
	among := l.grow(100, 1, 300)
	if grown := int64(heapInUse()) - int64(before); grown > deaf*each {
		t.Errorf("the heap grew by %d MiB; backlogs are kept in memory", grown>>20)
	}
	t.Logf("a frame took %v alone, %v among %d that never read", alone, among, deaf)
	if among > 5*alone+20*time.Millisecond {
		t.Errorf("a frame took %v among clients that never read, %v without them", among, alone)
	}
	var end research.Event
	err := a.store.InTx(w.ctx(), func(ctx context.Context, tx pgx.Tx) (err error) {
		end, err = dbtest.EndTask(ctx, a.store, tx, l.id, 1, research.Result{}, &research.Failure{Code: research.CodeCancelled, Message: "enough"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	a.publisher.Publish([]research.Event{end})
	l.take(end.Seq)
	if _, open := <-l.frames; open {
		t.Error("frames after the end")
	}
}

func heapInUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
