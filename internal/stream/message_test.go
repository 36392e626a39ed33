package stream

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"legwork/internal/research"
)

// counting is an encoder that counts how often it encodes. Two of them with the same counter are equal.
type counting struct {
	n    *atomic.Int64
	size int
}

func (c counting) Event(research.Event) []byte {
	c.n.Add(1)
	for range 100 { // gives other goroutines time to begin the same encoding
		runtime.Gosched()
	}
	return make([]byte, c.size)
}

func (c counting) Delta(research.Delta) []byte { return nil }

// TestEncodedOncePerFormat checks that for a thousand clients in two formats each event, stored or live, is encoded only
// twice.
func TestEncodedOncePerFormat(t *testing.T) {
	t.Parallel()
	bubble(t, noPoll, func(t *testing.T, m *memory, h *Hub) {
		a, b := counting{n: new(atomic.Int64), size: 10}, counting{n: new(atomic.Int64), size: 20}
		id := m.create(3)
		var clients sync.WaitGroup
		for i := range 1000 {
			s := h.Subscribe(id, 0)
			clients.Go(func() {
				defer s.Close()
				for {
					got, err := s.Next(t.Context())
					if err != nil {
						return
					}
					for _, m := range got {
						if len(m.Encode([]Encoder{a, b}[i%2])) != 10+10*(i%2) {
							t.Error("one encoder got the bytes of the other")
						}
					}
				}
			})
		}
		h.deliver(m.append(id, 2))
		h.deliver(m.end(id))
		clients.Wait()
		if a.n.Load() != 6 || b.n.Load() != 6 {
			t.Errorf("6 events were encoded %d and %d times", a.n.Load(), b.n.Load())
		}
	})
}

// TestWindowCountsEncodings checks that the window stays within its size when encodings are added to the events in it.
func TestWindowCountsEncodings(t *testing.T) {
	t.Parallel()
	const bound = 100_000
	bubble(t, Config{Poll: -1, WindowBytes: bound}, func(t *testing.T, m *memory, h *Hub) {
		id := m.create(200)
		s := h.Subscribe(id, 0)
		defer s.Close()
		enc := counting{n: new(atomic.Int64), size: 5000}
		held := func() (bytes int) {
			for _, e := range s.topic.window.entries {
				bytes += e.size()
			}
			return bytes
		}
		for i := range 3 {
			all := next(t, s, 1+int64(i), 200+int64(i))
			for _, m := range all {
				m.Encode(enc)
				if n := held(); n > bound || n != s.topic.window.bytes {
					t.Fatalf("the window holds %d bytes and counts %d", n, s.topic.window.bytes)
				}
			}
			h.deliver(m.append(id, 1))
			s.cursor = 1 + int64(i)
		}
		if len(s.topic.window.entries) < 10 {
			t.Errorf("the window holds %d events only", len(s.topic.window.entries))
		}
	})
}

// TestSecondProtocol checks that another protocol can describe a whole task by typed events and deltas.
func TestSecondProtocol(t *testing.T) {
	t.Parallel()
	withTwoProcesses(t, nil, func(t *testing.T, p *twoProcesses) {
		id := p.create(1)
		s := p.b.SubscribeWithDeltas(id, 0)
		defer s.Close()
		var out strings.Builder
		read := func(messages int) { // a negative number reads to the end
			for messages != 0 {
				got, err := s.Next(t.Context())
				if err != nil {
					return
				}
				for _, m := range got {
					out.Write(m.Encode(responses{}))
					messages--
				}
			}
		}
		read(1) // reads the event first, because a delta may overtake an event that is still being read from the table
		p.pub.PublishFragment(id, 1, 0, "It is ")
		read(1)
		p.pub.Publish(p.complete(id, "It is 100."))
		read(-1)
		want := []string{
			`{"sequence_number":1,"text":"thought 1","type":"response.reasoning_summary_text.done"}`,
			`{"delta":"It is ","output_index":0,"type":"response.output_text.delta"}`,
			`{"delta":"100.","output_index":0,"type":"response.output_text.delta"}`,
			`{"response":{"id":"resp_` + id.String() + `","output":[{"content":[{"annotations":[],"text":"It is 100.","type":"output_text"}],"type":"message"}],"status":"completed"},"type":"response.completed"}`,
		}
		var got []string
		for line := range strings.SplitSeq(out.String(), "\n") {
			if data, ok := strings.CutPrefix(line, "data: "); ok {
				got = append(got, data)
			}
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("got\n%s", strings.Join(got, "\n"))
		}
	})
}

// TestFinalAnswer checks that only an event that completes a task has an answer, and that a body that is not JSON has
// none.
func TestFinalAnswer(t *testing.T) {
	t.Parallel()
	broken := research.Complete("x", nil, 0, 0, nil)
	broken.Body = []byte(`{"answer":7}`)
	for want, e := range map[string]research.Event{
		"It is.": research.Complete("It is.", []any{}, 1, 1, nil),
		"":       broken,
	} {
		entry := newEntry(nil, e)
		for range 2 {
			if got := entry.finalAnswer(); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
	}
	said := research.Thinking("x", nil)
	said.Body = []byte(`{"answer":"no"}`)
	if got := newEntry(nil, said).finalAnswer(); got != "" {
		t.Errorf("a thought answers %q", got)
	}
}

// contract is the encoder of ExampleHub_Subscribe.
type contract struct{}

func (contract) Event(e research.Event) []byte { return fmt.Appendf(nil, "%d %s", e.Seq, e.Type) }
func (contract) Delta(d research.Delta) []byte { return []byte(d.Text) }

// This example shows a client of a protocol. The client subscribes, encodes the messages, and stops at the error, which
// is io.EOF when the log has ended.
func ExampleHub_Subscribe() {
	table := newMemory()
	hub := NewHub(table, Config{Poll: -1})
	defer hub.Stop()
	publisher := NewPublisher(hub, table, nil)
	task := table.create(1) // the log has one event already

	sub := hub.Subscribe(task, 0)
	defer sub.Close()
	publisher.Publish(table.end(task)) // called after the commit of the terminal event
	for {
		messages, err := sub.Next(context.Background())
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, m := range messages {
			fmt.Println(string(m.Encode(contract{})))
		}
	}
	// Output:
	// 1 agent:thinking
	// 2 agent:error
	// EOF
}
