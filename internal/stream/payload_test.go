package stream

import (
	"reflect"
	"strings"
	"testing"

	"github.com/google/uuid"

	"legwork/internal/research"
)

// frames are n encoded events of about size bytes, from seq on; the last may be terminal.
func framesOf(from int64, n, size int, terminal bool) []Frame {
	id := uuid.New()
	frames := make([]Frame, n)
	for i := range frames {
		text := `<b>&amp; "quoted"` + "\u2028 ünïcode " + strings.Repeat("x", max(0, size-200))
		e := research.Thinking(text, nil)
		if terminal && i == n-1 {
			e = research.ErrorEvent(research.CodeCancelled, text, false, nil)
		}
		e.TaskID, e.Seq = id, from+int64(i)
		frames[i] = encode(e)
	}
	return frames
}

// unpack reads payloads back and checks their size and sender.
func unpack(t *testing.T, from uuid.UUID, payloads []string) (news []announcement) {
	t.Helper()
	for _, p := range payloads {
		if len(p) > maxPayload {
			t.Errorf("a payload of %d bytes", len(p))
		}
		sender, some, _, err := parsePayload(p)
		if err != nil || sender != from {
			t.Fatalf("sender %v, error %v", sender, err)
		}
		news = append(news, some...)
	}
	return news
}

func TestSmallEventsTravelByteForByte(t *testing.T) {
	t.Parallel()
	from := uuid.New()
	want := [][]Frame{framesOf(4, 3, 300, false), framesOf(1, 1, 0, false), framesOf(9, 2, 400, true)}
	var news []announcement
	for _, frames := range want {
		news = append(news, announce(uuid.New(), frames))
	}
	payloads := packPayloads(from, news)
	if len(payloads) != 1 {
		t.Fatalf("%d payloads", len(payloads))
	}
	for i, n := range unpack(t, from, payloads) {
		if got := n.Frames; !reflect.DeepEqual(got, want[i]) {
			t.Errorf("sent %v, got %v", want[i], got)
		}
	}
	if packPayloads(from, nil) != nil {
		t.Error("a payload without content")
	}
}

// TestBusyBatchesKeepTheirEvents: what does not fit in one payload travels in a few, which one NOTIFY statement sends.
func TestBusyBatchesKeepTheirEvents(t *testing.T) {
	t.Parallel()
	from := uuid.New()
	var news []announcement
	for i := range 64 {
		news = append(news, announce(uuid.New(), framesOf(int64(i)+1, 1, 300, false)))
	}
	payloads := packPayloads(from, news)
	if len(payloads) < 2 || len(payloads) > maxPayloads {
		t.Errorf("%d payloads", len(payloads))
	}
	if got := unpack(t, from, payloads); !reflect.DeepEqual(got, news) {
		t.Errorf("%d announcements came back of %d, or without their events", len(got), len(news))
	}
}

func TestManyTasksTravelWithoutEvents(t *testing.T) {
	t.Parallel()
	from := uuid.New()
	var news, want []announcement
	for i := range 500 {
		n := announce(uuid.New(), framesOf(int64(i)+1, 1+i%3, 300, i%9 == 0))
		news = append(news, n)
		want = append(want, n.bare())
	}
	payloads := packPayloads(from, news)
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
		return announce(id, framesOf(from, n, size, terminal))
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
		if c.got.Seq != c.seq || len(c.got.Frames) != c.events || c.got.End != c.end {
			t.Errorf("%s: seq %d, %d events, end %v", c.name, c.got.Seq, len(c.got.Frames), c.got.End)
		}
	}
}

func TestBrokenFramesStayBehind(t *testing.T) {
	t.Parallel()
	n := announcement{Task: uuid.New(), Seq: 3, Frames: []Frame{{Seq: 3, Data: []byte(`{"answer":`)}}, End: true}
	news := unpack(t, n.Task, packPayloads(n.Task, []announcement{n}))
	if len(news) != 1 || news[0].Seq != 3 || news[0].Frames != nil || news[0].End {
		t.Errorf("got %v", news)
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
		_, news, _, err := parsePayload(c.text)
		if len(news) != c.want || (err == nil) != c.ok {
			t.Errorf("%s: %v, %v", c.text, news, err)
		}
	}
	for _, c := range []struct{ rest, tail string }{
		{`"sizes":[6]`, `"text"`}, {`"sizes":[2,2,2,2]`, `{}{}{}{}`}, {`"end":true`, ``}, {`"sizes":[],"end":true`, `{}`},
		{`"sizes":[4]`, `null`}, {`"sizes":[2]`, ``}, {`"sizes":[0]`, `{}`}, {`"sizes":[-1]`, `{}`}, {`"sizes":[9]`, `{}`},
		{`"sizes":[2,3]`, `{}{}`},
	} {
		_, news, _, err := parsePayload(`{"logs":[{"task":"` + id + `","seq":3,` + c.rest + `}]}` + "\n" + c.tail)
		if err != nil || len(news) != 1 || news[0].Frames != nil || news[0].End {
			t.Errorf("%s %s was kept: %v %v", c.rest, c.tail, news, err)
		}
	}
	_, news, _, err := parsePayload(`{"logs":[{"task":"` + id + `","seq":3,"sizes":[4]},{"task":"` + id + `","seq":1,"sizes":[2]}]}` + "\nnull{}")
	if err != nil || len(news) != 2 || len(news[0].Frames) != 0 || len(news[1].Frames) != 1 {
		t.Errorf("after an entry without sense: %v %v", news, err)
	}
}

func FuzzParsePayload(f *testing.F) {
	id := uuid.New()
	for _, text := range packPayloads(id, []announcement{{Task: id, Seq: 1}, {Task: id, Seq: 2, Frames: []Frame{{Seq: 2, Data: []byte(`{"a":1}`)}}, End: true}}) {
		f.Add(text)
	}
	f.Add(`{"logs":[{"seq":1e3}]}`)
	f.Add(`{"logs":null}`)
	f.Add("\x00")
	f.Add(`{"logs":[{"task":"` + id.String() + `","seq":2,"sizes":[3,2]}]}` + "\n{1}{}")
	f.Fuzz(func(t *testing.T, text string) {
		from, news, _, err := parsePayload(text)
		if err != nil {
			return
		}
		for _, n := range news {
			if n.Task == uuid.Nil || n.Seq < 1 || len(n.Frames) > 0 && n.Frames[0].Seq < 1 {
				t.Fatalf("accepted %+v", n)
			}
		}
		var again []announcement
		for _, p := range packPayloads(from, news) {
			if len(p) > maxPayload {
				t.Fatalf("a payload of %d bytes", len(p))
			}
			sender, some, _, err := parsePayload(p)
			if err != nil || sender != from {
				t.Fatalf("%v: %v", p, err)
			}
			again = append(again, some...)
		}
		if len(again) != len(news) {
			t.Fatalf("%d announcements became %d", len(news), len(again))
		}
	})
}
