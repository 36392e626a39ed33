package stream

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"legwork/internal/research"
)

// eventsOf returns n consecutive events of a task. The parameter from is the seq of the first event. Each event takes
// about size bytes in a payload. If terminal is set, the last event is a terminal one.
func eventsOf(task uuid.UUID, from int64, n, size int, terminal bool) []research.Event {
	events := make([]research.Event, n)
	for i := range events {
		text := `<b>&amp; "quoted"` + "\u2028 ünïcode " + strings.Repeat("x", max(0, size-200))
		e := research.Thinking(text, nil)
		if terminal && i == n-1 {
			e = research.ErrorEvent(research.CodeCancelled, text, false, nil)
		}
		e.TaskID, e.Seq, e.Time = task, from+int64(i), time.UnixMicro(1_700_000_000_123_456+int64(i)).UTC()
		events[i] = e
	}
	return events
}

// unpack reads payloads back and checks their size and sender.
func unpack(t *testing.T, from uuid.UUID, payloads []string) (all []announcement) {
	t.Helper()
	for _, p := range payloads {
		if len(p) > maxPayload {
			t.Errorf("a payload of %d bytes", len(p))
		}
		sender, some, _, err := parsePayload(p)
		if err != nil || sender != from {
			t.Fatalf("sender %v, error %v", sender, err)
		}
		all = append(all, some...)
	}
	return all
}

func TestSmallEventsTravelWithoutLoss(t *testing.T) {
	t.Parallel()
	from := uuid.New()
	empty := eventsOf(uuid.New(), 7, 1, 0, false)
	empty[0].Body = []byte{}
	want := [][]research.Event{eventsOf(uuid.New(), 4, 3, 300, false), eventsOf(uuid.New(), 1, 1, 0, false), empty, eventsOf(uuid.New(), 9, 2, 400, true)}
	var announcements []announcement
	for _, events := range want {
		announcements = append(announcements, announce(events))
	}
	payloads := packPayloads(from, announcements)
	if len(payloads) != 1 {
		t.Fatalf("%d payloads", len(payloads))
	}
	for i, n := range unpack(t, from, payloads) {
		if got := n.Events; !reflect.DeepEqual(got, want[i]) {
			t.Errorf("sent %v, got %v", want[i], got)
		}
	}
	if packPayloads(from, nil) != nil {
		t.Error("a payload without content")
	}
}

// TestBusyBatchesKeepTheirEvents checks that events that do not fit into one payload are sent in several payloads, by
// one NOTIFY statement.
func TestBusyBatchesKeepTheirEvents(t *testing.T) {
	t.Parallel()
	from := uuid.New()
	var announcements []announcement
	for i := range 64 {
		announcements = append(announcements, announce(eventsOf(uuid.New(), int64(i)+1, 1, 300, false)))
	}
	payloads := packPayloads(from, announcements)
	if len(payloads) < 2 || len(payloads) > maxPayloads {
		t.Errorf("%d payloads", len(payloads))
	}
	if got := unpack(t, from, payloads); !reflect.DeepEqual(got, announcements) {
		t.Errorf("%d announcements came back of %d, or without their events", len(got), len(announcements))
	}
}

func TestManyTasksTravelWithoutEvents(t *testing.T) {
	t.Parallel()
	from := uuid.New()
	var announcements, want []announcement
	for i := range 500 {
		n := announce(eventsOf(uuid.New(), int64(i)+1, 1+i%3, 300, i%9 == 0))
		announcements = append(announcements, n)
		want = append(want, n.withoutEvents())
	}
	payloads := packPayloads(from, announcements)
	if got := unpack(t, from, payloads); !reflect.DeepEqual(got, want) {
		t.Errorf("%d announcements came back of %d", len(got), len(want))
	}
	if len(payloads) > 8 {
		t.Errorf("%d payloads", len(payloads))
	}
}

func TestAnnounceAndJoin(t *testing.T) {
	t.Parallel()
	id := uuid.New()
	ann := func(from int64, n, size int, terminal bool) announcement {
		return announce(eventsOf(id, from, n, size, terminal))
	}
	for _, c := range []struct {
		name   string
		got    announcement
		seq    int64
		events int
		end    bool
	}{
		{"small", ann(1, 2, 300, false), 2, 2, false},
		{"too large together", ann(1, 4, 900, false), 4, 0, false},
		{"too large together, terminal", ann(1, 4, 900, true), 4, 2, true},
		{"too large terminal", ann(1, 1, 3000, true), 1, 0, false},
		{"joined", ann(1, 2, 300, false).join(ann(3, 1, 300, false)), 3, 3, false},
		{"joined with the end", ann(1, 2, 300, false).join(ann(3, 1, 300, true)), 3, 3, true},
		{"overtaken", ann(3, 1, 300, false).join(ann(1, 2, 300, false)), 3, 3, false},
		{"with a gap", ann(1, 1, 300, false).join(ann(3, 1, 300, false)), 3, 0, false},
		{"the end after a gap", ann(1, 1, 300, false).join(ann(3, 1, 300, true)), 3, 1, true},
		{"too large joined", ann(1, 2, 900, false).join(ann(3, 1, 900, false)), 3, 0, false},
		{"the end after too much", ann(1, 2, 900, false).join(ann(3, 1, 900, true)), 3, 1, true},
		{"after one without events", ann(1, 4, 900, false).join(ann(5, 1, 300, false)), 5, 0, false},
	} {
		if c.got.Seq != c.seq || len(c.got.Events) != c.events || c.got.ends() != c.end {
			t.Errorf("%s: seq %d, %d events, end %v", c.name, c.got.Seq, len(c.got.Events), c.got.ends())
		}
	}
}

func TestBrokenBodiesAreLeftOut(t *testing.T) {
	t.Parallel()
	broken := eventsOf(uuid.New(), 3, 1, 0, true)
	broken[0].Body = []byte(`{"answer":`)
	typed := eventsOf(uuid.New(), 3, 1, 0, false)
	typed[0].Type = "Agent"
	got := unpack(t, broken[0].TaskID, packPayloads(broken[0].TaskID, []announcement{announce(broken), announce(typed)}))
	if len(got) != 2 || got[0].Seq != 3 || got[0].Events != nil || got[1].Events != nil {
		t.Errorf("got %v", got)
	}
}

func TestParsePayloadIsTolerant(t *testing.T) {
	t.Parallel()
	id := uuid.New().String()
	for _, c := range []struct {
		text string
		want int
		ok   bool
	}{
		{`{"from":"` + id + `","logs":[{"task":"` + id + `","seq":3}]}`, 1, true},
		{`{"logs":[{"task":"` + id + `","seq":3,"new":{"a":1}}],"delta":{"task":1}}`, 1, true},
		{`{"logs":[{"task":"x","seq":3},{"task":"` + id + `","seq":-1},{"task":"` + id + `"},17,null,{"task":"` + id + `","seq":1}]}`, 1, true},
		{`{"logs":[{"task":"` + id + `","seq":99999999999999999999}]}`, 0, true},
		{`{}`, 0, true}, {``, 0, false}, {`[]`, 0, false}, {`{"from":"nobody"}`, 0, false}, {"river", 0, false},
	} {
		_, got, _, err := parsePayload(c.text)
		if len(got) != c.want || (err == nil) != c.ok {
			t.Errorf("%s: %v, %v", c.text, got, err)
		}
	}
	head := func(size int) string { return fmt.Sprintf(`{"type":"agent:thinking","at":1,"size":%d}`, size) }
	for _, c := range []struct{ rest, bodies string }{
		{`"events":[` + head(6) + `]`, `"text"`}, {`"events":[` + head(2) + `,` + head(2) + `,` + head(2) + `,` + head(2) + `]`, `{}{}{}{}`},
		{`"end":true`, ``}, {`"events":[],"end":true`, `{}`}, {`"events":[` + head(4) + `]`, `null`}, {`"events":[` + head(2) + `]`, ``},
		{`"events":[` + head(-1) + `]`, `{}`}, {`"events":[` + head(9) + `]`, `{}`}, {`"events":[` + head(2) + `,` + head(3) + `]`, `{}{}`},
		{`"events":[{"type":"a\"b","size":2}]`, `{}`}, {`"events":[{"size":2}]`, `{}`},
		{`"sizes":[2],"end":true`, `{}`}, // the form of versions without typed events
	} {
		_, got, _, err := parsePayload(`{"logs":[{"task":"` + id + `","seq":3,` + c.rest + `}]}` + "\n" + c.bodies)
		if err != nil || len(got) != 1 || got[0].Events != nil {
			t.Errorf("%s %s was kept: %v %v", c.rest, c.bodies, got, err)
		}
	}
	_, got, _, err := parsePayload(`{"logs":[{"task":"` + id + `","seq":3,"events":[` + head(4) + `]},{"task":"` + id + `","seq":1,"events":[` + head(2) + `]}]}` + "\nnull{}")
	if err != nil || len(got) != 2 || len(got[0].Events) != 0 || len(got[1].Events) != 1 {
		t.Errorf("after an entry without sense: %v %v", got, err)
	}
}

func FuzzParsePayload(f *testing.F) {
	id := uuid.New()
	for _, text := range packPayloads(id, []announcement{{Task: id, Seq: 1}, announce(eventsOf(id, 2, 1, 300, true))}) {
		f.Add(text)
	}
	f.Add(`{"logs":[{"seq":1e3}]}`)
	f.Add(`{"logs":null}`)
	f.Add("\x00")
	f.Add(`{"logs":[{"task":"` + id.String() + `","seq":2,"events":[{"type":"a","size":3},{"type":"b","size":2}]}]}` + "\n{1}{}")
	f.Fuzz(func(t *testing.T, text string) {
		from, got, _, err := parsePayload(text)
		if err != nil {
			return
		}
		for _, n := range got {
			if n.Task == uuid.Nil || n.Seq < 1 || len(n.Events) > 0 && n.Events[0].Seq < 1 {
				t.Fatalf("accepted %+v", n)
			}
		}
		var again []announcement
		for _, p := range packPayloads(from, got) {
			if len(p) > maxPayload {
				t.Fatalf("a payload of %d bytes", len(p))
			}
			sender, some, _, err := parsePayload(p)
			if err != nil || sender != from {
				t.Fatalf("%v: %v", p, err)
			}
			again = append(again, some...)
		}
		if len(again) != len(got) {
			t.Fatalf("%d announcements became %d", len(got), len(again))
		}
	})
}
