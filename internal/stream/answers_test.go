package stream

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"legwork/internal/dbtest"
	"legwork/internal/research"
)

// complete commits the event that completes a task with an answer.
func (m *memory) complete(id uuid.UUID, answer string) []research.Event {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := research.Complete(answer, []any{}, 0.5, 1, nil)
	e.TaskID, e.Seq, e.Time = id, int64(len(m.logs[id])+1), time.Unix(1_700_000_000, 0)
	m.logs[id] = append(m.logs[id], e)
	return []research.Event{e}
}

// client collects what a client with deltas receives. It uses only the rules of the contract.
type client struct {
	text   []rune
	deltas int
	resets int
	events []string
	answer string // the answer in the event agent:complete
}

func (c *client) take(t *testing.T, m Message) {
	t.Helper()
	var e struct {
		Seq    *int64
		Type   string
		TaskID uuid.UUID
		Offset int
		Text   string
		Reset  bool
		Answer string
	}
	if err := json.Unmarshal([]byte(frame(m)), &e); err != nil {
		t.Fatal(err)
	}
	if e.Type != "agent:delta" {
		c.events, c.answer = append(c.events, frame(m)), e.Answer
		return
	}
	c.deltas++
	if e.Reset {
		c.resets++
	}
	if e.Seq != nil || m.Seq() != 0 || e.TaskID == uuid.Nil || e.Text == "" || e.Offset != len(c.text) && !e.Reset || e.Reset && e.Offset != 0 {
		t.Fatalf("after %d code points: %s", len(c.text), frame(m))
	}
	c.text = append(c.text[:e.Offset:e.Offset], []rune(e.Text)...)
}

// until reads until the stream ends, stop returns true, or nothing arrives for a minute.
func (c *client) until(t *testing.T, s *Subscription, stop func() bool) *client {
	t.Helper()
	for !stop() {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		messages, err := s.Next(ctx)
		cancel()
		if err != nil {
			return c
		}
		for _, m := range messages {
			c.take(t, m)
		}
	}
	return c
}

func never() bool { return false }

// twoProcesses is a process that publishes and a process that receives by NOTIFY.
type twoProcesses struct {
	*memory
	pub  *Publisher
	a, b *Hub
}

// notifying delivers payloads to another process's listener.
type notifying struct {
	*memory
	to   *Listener
	lose func(payload string) bool // nil means that no payload is lost
}

func (n *notifying) Notify(ctx context.Context, ch string, payloads ...string) error {
	if err := n.memory.Notify(ctx, ch, payloads...); err != nil {
		return err
	}
	for _, payload := range payloads {
		if n.lose == nil || !n.lose(payload) {
			n.to.handle(payload)
		}
	}
	return nil
}

func withTwoProcesses(t *testing.T, lose func(string) bool, f func(t *testing.T, p *twoProcesses)) {
	t.Helper()
	cfg := Config{Logger: quiet}
	bubble(t, cfg, func(t *testing.T, m *memory, a *Hub) {
		b := NewHub(m, cfg)
		defer b.Stop()
		l := NewListener(nil, b, quiet)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go b.Run(ctx)
		p := &twoProcesses{memory: m, a: a, b: b, pub: NewPublisher(a, &notifying{memory: m, to: l, lose: lose}, quiet)}
		go p.pub.Run(ctx)
		f(t, p)
	})
}

// write publishes a text word by word, beginning at an offset, with a pause after each word.
func (p *twoProcesses) write(id uuid.UUID, epoch, offset int, text string, pause time.Duration) int {
	for w := range strings.SplitAfterSeq(text, " ") {
		p.pub.PublishFragment(id, epoch, offset, w)
		offset += len([]rune(w))
		time.Sleep(pause)
	}
	return offset
}

var prose = strings.Repeat("The kettle boils at 100 °C – 百度 – as a rule. ", 20)

// TestDeltas checks that both processes get the text in a few deltas while it is written, and that a subscription
// without deltas gets only events.
func TestDeltas(t *testing.T) {
	t.Parallel()
	withTwoProcesses(t, nil, func(t *testing.T, p *twoProcesses) {
		id := p.create(1)
		early := []*Subscription{p.a.SubscribeWithDeltas(id, 0), p.b.SubscribeWithDeltas(id, 0)}
		plain := p.b.Subscribe(id, 0)
		defer plain.Close()
		got := make([]client, 2)
		done := make(chan int)
		for i, s := range early {
			defer s.Close()
			go func() { got[i].until(t, s, never); done <- i }()
		}
		logged := follow(t.Context(), plain)
		began := time.Now()
		p.write(id, 1, 0, prose, 10*time.Millisecond)
		took := time.Since(began)
		synctest.Wait()
		for i := range got {
			if n := got[i].deltas; n < 3 || n > int(took/fragmentInterval)+2 {
				t.Errorf("process %d: %d pieces in %v", i, n, took)
			}
		}
		for _, h := range []*Hub{p.a, p.b} { // the text so far arrives at once
			late := h.SubscribeWithDeltas(id, 1)
			c := (&client{}).until(t, late, func() bool { return true })
			messages, err := late.Next(t.Context())
			if err != nil || len(messages) != 1 {
				t.Fatal(messages, err)
			}
			if c.take(t, messages[0]); len(c.text) < len([]rune(prose))-60 || !strings.HasPrefix(prose, string(c.text)) {
				t.Errorf("a late client got %q", string(c.text))
			}
			late.Close()
		}
		p.pub.Publish(p.complete(id, prose+"That is all."))
		<-done
		<-done
		for i, c := range got {
			if string(c.text) != prose+"That is all." || c.answer != string(c.text) || c.resets != 0 || len(c.events) != 2 {
				t.Errorf("process %d: %+v", i, c)
			}
		}
		<-logged.done
		if want := p.suffix(id, 0); strings.Join(logged.got, "\n") != strings.Join(want, "\n") {
			t.Errorf("without deltas: %q", logged.got)
		}
		for _, s := range early {
			s.Close()
		}
		if len(p.a.answers.byTask)+len(p.b.answers.byTask) != 0 {
			t.Error("something is kept of a finished answer")
		}
	})
}

// TestDeltasBeginAnew checks that another try or another run starts the text again, and that fragments of a run that
// lost its task to another run are ignored.
func TestDeltasBeginAnew(t *testing.T) {
	t.Parallel()
	withTwoProcesses(t, nil, func(t *testing.T, p *twoProcesses) {
		id := p.create(1)
		for _, h := range []*Hub{p.a, p.b} {
			defer h.SubscribeWithDeltas(id, 0).Close() // a subscription, so that the hub keeps the partial answer
		}
		var s [2]*Subscription
		var c [2]client
		for i, h := range []*Hub{p.a, p.b} {
			s[i] = h.SubscribeWithDeltas(id, 0)
			defer s[i].Close()
		}
		expect := func(text string, resets int) {
			t.Helper()
			for i := range s {
				c[i].until(t, s[i], never)
				if string(c[i].text) != text || c[i].resets != resets {
					t.Errorf("process %d: %q after %d resets", i, string(c[i].text), c[i].resets)
				}
			}
		}
		p.write(id, 1, 0, "It may be ninety", 0)
		expect("It may be ninety", 0)
		p.write(id, 1, 0, "It is", 0)
		expect("It is", 1)
		p.write(id, 2, 0, "It is 100", 0)
		expect("It is 100", 2)
		p.write(id, 1, 9, " wrong", 0)
		expect("It is 100", 2)
		p.write(id, 2, 12, " missed", 0)
		expect("It is 100", 2)
		p.write(id, 2, 9, " degrees", 0)
		expect("It is 100 degrees", 2)
		p.pub.Publish(p.complete(id, "Something else."))
		for i := range s {
			if c[i].until(t, s[i], never); string(c[i].text) != "Something else." || c[i].resets != 3 {
				t.Errorf("process %d: %+v", i, c[i])
			}
		}
	})
}

// TestDeltasLost checks that all events arrive and that the text becomes the answer, whichever NOTIFYs are lost.
func TestDeltasLost(t *testing.T) {
	t.Parallel()
	for seed := range uint64(30) {
		r, pauses := rand.New(rand.NewPCG(seed, 1)), rand.New(rand.NewPCG(seed, 2))
		withTwoProcesses(t, func(text string) bool { return strings.Contains(text, `"fragments"`) && r.IntN(3) == 0 }, func(t *testing.T, p *twoProcesses) {
			id := p.create(2)
			s := p.b.SubscribeWithDeltas(id, 0)
			defer s.Close()
			done := make(chan *client)
			go func() { done <- (&client{}).until(t, s, never) }()
			for epoch := range 3 {
				p.write(id, epoch+1, 0, prose[:200], time.Duration(pauses.IntN(40))*time.Millisecond)
				p.pub.Publish(p.append(id, 1))
			}
			p.pub.Publish(p.complete(id, prose[:180]+"other"))
			c := <-done
			if string(c.text) != c.answer || strings.Join(c.events, "\n") != strings.Join(p.suffix(id, 0), "\n") {
				t.Errorf("%q\n%q", string(c.text), c.events)
			}
		})
	}
}

// TestDeltasSlowClient checks that a client that does not read for a while later gets one delta, after the events.
func TestDeltasSlowClient(t *testing.T) {
	t.Parallel()
	withTwoProcesses(t, nil, func(t *testing.T, p *twoProcesses) {
		id := p.create(1)
		s := p.b.SubscribeWithDeltas(id, 0)
		defer s.Close()
		next(t, s, 1, 1)
		p.write(id, 1, 0, prose, 20*time.Millisecond)
		time.Sleep(time.Second)
		p.pub.Publish(p.append(id, 1))
		synctest.Wait()
		next(t, s, 2, 2)
		messages, err := s.Next(t.Context())
		if err != nil || len(messages) != 1 {
			t.Fatal(messages, err)
		}
		var c client
		if c.take(t, messages[0]); string(c.text) != prose {
			t.Errorf("got %q", string(c.text))
		}
	})
}

// TestDeltasNeverWait checks that publishing takes no time while NOTIFY hangs, and that the clients of this process get
// deltas and events meanwhile.
func TestDeltasNeverWait(t *testing.T) {
	t.Parallel()
	withTwoProcesses(t, nil, func(t *testing.T, p *twoProcesses) {
		id := p.create(1)
		s := p.a.SubscribeWithDeltas(id, 0)
		defer s.Close()
		p.set(func(m *memory) { m.delay = func() time.Duration { return time.Hour } })
		began := time.Now()
		for i := range 100_000 {
			p.pub.PublishFragment(id, 1, i, "x")
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("publishing took %v", took)
		}
		p.pub.PublishFragment(id, 1, 0, "It is 100.")
		p.a.deliver(p.append(id, 1)) // a read of the table would hang
		var c client
		c.until(t, s, func() bool { return string(c.text) == "It is 100." })
		p.pub.remote.mu.Lock()
		defer p.pub.remote.mu.Unlock()
		if p.pub.remote.bytes > maxFragmentBytes {
			t.Errorf("%d bytes wait", p.pub.remote.bytes)
		}
	})
}

// TestLongAnswer: an answer as long as the longest report reaches a subscription as deltas, before the task is complete.
func TestLongAnswer(t *testing.T) {
	t.Parallel()
	h := NewHub(newMemory(), Config{Poll: -1, Logger: quiet})
	defer h.Stop()
	id := uuid.New()
	cursor := h.answers.subscribe(id)
	defer cursor.close()
	piece := strings.Repeat("report ", 100)
	var got strings.Builder
	for offset := 0; offset < 20_000*len("report "); offset += len(piece) {
		h.answers.add(fragment{Task: id, Epoch: 1, Offset: offset, Text: piece})
		if d, _ := cursor.next(); d != nil {
			got.WriteString(d.Text)
		}
	}
	if got.Len() != 20_000*len("report ") {
		t.Errorf("%d bytes arrived", got.Len())
	}
}

// TestDeltasBounded checks that neither an endless text nor a great number of tasks fills the memory.
func TestDeltasBounded(t *testing.T) {
	t.Parallel()
	h := NewHub(newMemory(), Config{Poll: -1, Logger: quiet})
	defer h.Stop()
	long := strings.Repeat("word ", 200)
	kept := uuid.New()
	s := h.SubscribeWithDeltas(kept, 0)
	defer s.Close()
	for range 2 * maxAnswers {
		id := uuid.New()
		for offset := 0; offset < 2*maxAnswerBytes; offset += len(long) {
			h.answers.add(fragment{Task: id, Epoch: 1, Offset: offset, Text: long})
		}
	}
	size := 0
	for _, a := range h.answers.byTask {
		size += len(a.text)
	}
	if n := len(h.answers.byTask); n > maxAnswers || size > max(maxAllBytes, maxAnswers*fullAnswer)+maxAnswerBytes || size != h.answers.bytes {
		t.Errorf("%d answers with %d bytes, counted as %d", n, size, h.answers.bytes)
	}
	if h.answers.byTask[kept] == nil {
		t.Error("one with a subscription was dropped")
	}
	buffer := newFragmentBuffer()
	for range 1000 {
		buffer.put(fragment{Task: uuid.New(), Epoch: 1, Text: long})
	}
	if buffer.bytes > maxFragmentBytes {
		t.Errorf("%d bytes wait", buffer.bytes)
	}
}

// TestPackFragments checks that the payloads of any text are short enough and restore the text.
func TestPackFragments(t *testing.T) {
	t.Parallel()
	for _, unit := range []string{"a", "é", "百", "\x01", "<&>", "\u2028", "\"\\"} {
		text := strings.Repeat(unit, 5000)
		id, offset, back := uuid.New(), 7, ""
		for _, payload := range packFragments(uuid.New(), []fragment{{Task: id, Epoch: 3, Offset: offset, Text: text}}) {
			if len(payload) > maxPayload {
				t.Fatalf("%d bytes", len(payload))
			}
			_, announcements, fragments, err := parsePayload(payload)
			if err != nil || len(announcements) != 0 || len(fragments) != 1 || fragments[0].Task != id || fragments[0].Epoch != 3 || fragments[0].Offset != offset {
				t.Fatalf("%q: %v %v %v", unit, announcements, fragments, err)
			}
			back += fragments[0].Text
			offset += len([]rune(fragments[0].Text))
		}
		if back != text {
			t.Errorf("%q: %d bytes of %d", unit, len(back), len(text))
		}
	}
	for _, bad := range []string{`{"task":"x","epoch":1,"text":"a"}`, `{"task":"` + uuid.NewString() + `","epoch":0,"text":"a"}`,
		`{"task":"` + uuid.NewString() + `","epoch":1,"offset":-1,"text":"a"}`, `7`} {
		if _, _, fragments, err := parsePayload(fmt.Sprintf(`{"fragments":[%s]}`, bad)); err != nil || len(fragments) != 0 {
			t.Errorf("%s: %v %v", bad, fragments, err)
		}
	}
}

// TestDeltasThroughPostgres sends deltas from one process to another by a real NOTIFY.
func TestDeltasThroughPostgres(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	a, b := start(t, url, setting{cfg: noPoll}), start(t, url, setting{cfg: noPoll})
	eventually(t, "both listen", func() bool { return a.listening(t) == 2 })
	id := a.create(t)
	s := b.hub.SubscribeWithDeltas(id, 0)
	defer s.Close()
	a.pub.PublishFragment(id, 1, 0, prose)
	var c client
	c.until(t, s, func() bool { return string(c.text) == prose })
	a.pub.Publish(a.end(t, id))
	if c.until(t, s, never); len(c.events) != 2 || string(c.text) != prose {
		t.Errorf("%+v", c)
	}
}
