package research

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

func TestTransitions(t *testing.T) {
	t.Parallel()
	allowed := map[Status][]Status{
		Created: {Running, Queued, Failed, Cancelled},
		Queued:  {Running, Queued, Failed, Cancelled},
		Running: {Queued, Completed, Failed, Cancelled},
	}
	for _, from := range Statuses {
		if !from.Valid() {
			t.Errorf("%s is not valid", from)
		}
		for _, to := range Statuses {
			want := false
			for _, s := range allowed[from] {
				want = want || s == to
			}
			if from.CanBecome(to) != want {
				t.Errorf("%s → %s = %v, want %v", from, to, !want, want)
			}
			if from.Terminal() && from.CanBecome(to) {
				t.Errorf("%s was left for %s", from, to)
			}
		}
	}
	if Status("done").Valid() {
		t.Error("an unknown status is valid")
	}
}

func TestFrames(t *testing.T) {
	t.Parallel()
	id := uuid.MustParse("01a20634-1d7d-7c7e-bcd1-591837e007f9")
	at := time.Date(2026, 11, 23, 2, 0, 0, 5_999_999, time.FixedZone("x", 3600))
	const envelope = `{"seq":7,"type":"%T","taskId":"01a20634-1d7d-7c7e-bcd1-591837e007f9","timestamp":"2026-11-23T01:00:00.005Z"`
	for name, c := range map[string]struct {
		event Event
		want  string
	}{
		"thinking":          {Thinking("a <b> & “c”", nil), `,"content":"a <b> & “c”"}`},
		"with metadata":     {Thinking("x", map[string]any{"status": "running"}), `,"content":"x","metadata":{"status":"running"}}`},
		"tool call":         {ToolCall("cite", nil, nil), `,"args":{},"tool":"cite"}`},
		"tool result":       {ToolResult("cite", nil, false, nil), `,"result":{},"success":false,"tool":"cite"}`},
		"screenshot":        {Screenshot("/api/x.png", "http://a/", true), `,"fullPage":true,"imageUrl":"/api/x.png","metadata":{"url":"http://a/"}}`},
		"complete":          {Complete("yes", []int{}, 0.5, 2, nil), `,"answer":"yes","citations":[],"confidence":0.5,"duration":2}`},
		"recoverable error": {ErrorEvent("c", "m", true, nil), `,"error":"m","errorCode":"c","recoverable":true}`},
		"no body":           {Event{Type: EventThinking}, `}`},
		"nil is absent":     {newEvent(EventThinking, false, nil, map[string]any{"content": nil}), `}`},
	} {
		e := c.event
		e.Seq, e.TaskID, e.Time = 7, id, at
		want := strings.Replace(envelope, "%T", string(e.Type), 1) + c.want
		if got := string(e.Frame()); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
		}
		if b, err := json.Marshal(e); err != nil || !json.Valid(b) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if !Complete("", nil, 0, 0, nil).Terminal || !ErrorEvent("", "", false, nil).Terminal || ErrorEvent("", "", true, nil).Terminal || Thinking("", nil).Terminal {
		t.Error("the wrong events are terminal")
	}
	if e := newEvent(EventThinking, false, nil, map[string]any{"content": func() {}}); !json.Valid(e.Body) {
		t.Errorf("what JSON cannot hold made %s", e.Body)
	}
}

func TestPreview(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("häß", 5000)
	many := make([]any, 1000)
	for i := range many {
		many[i] = map[string]any{"text": long, "n": i}
	}
	for name, v := range map[string]map[string]any{
		"short":  {"a": "b", "n": 1},
		"long":   {"a": long, "n": 1.5, "ok": true},
		"nested": {"list": many, "deep": map[string]any{"x": long, "y": []any{long, long}}},
		"keys":   manyKeys(3000),
	} {
		b, err := EncodeJSON(Preview(v, MaxPreview))
		if err != nil || len(b) > MaxPreview || !utf8.Valid(b) {
			t.Errorf("%s: %d bytes, %v", name, len(b), err)
		}
	}
	if got := Preview(map[string]any{"a": "b"}, MaxPreview); got["a"] != "b" {
		t.Errorf("a short one was changed: %v", got)
	}
}

func manyKeys(n int) map[string]any {
	m := map[string]any{}
	for range n {
		m[uuid.NewString()] = true
	}
	return m
}

func TestTruncate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in   string
		max  int
		want string
	}{{"abc", 3, "abc"}, {"abcdef", 5, "ab…"}, {"äöü", 5, "ä…"}, {"äöü", 4, "…"}, {"abc", 1, "…"}, {"", 0, ""}} {
		if got := Truncate(c.in, c.max); got != c.want {
			t.Errorf("Truncate(%q, %d) = %q, want %q", c.in, c.max, got, c.want)
		}
	}
}

func FuzzTruncate(f *testing.F) {
	f.Add("häß", 4)
	f.Fuzz(func(t *testing.T, s string, max int) {
		if max < 3 || max > 1000 {
			return
		}
		got := Truncate(s, max)
		if len(got) > max || utf8.ValidString(s) && !utf8.ValidString(got) {
			t.Errorf("Truncate(%q, %d) = %q", s, max, got)
		}
	})
}

func TestErrors(t *testing.T) {
	t.Parallel()
	f := &Failure{Code: "no_sources", Message: "Nothing.", Cause: io.EOF}
	if !errors.Is(f, io.EOF) || f.Error() != "no_sources: Nothing.: EOF" || (&Failure{Code: "c", Message: "m"}).Error() != "c: m" {
		t.Errorf("failure = %v", f)
	}
	var v ValidationError
	if v.Err() != nil {
		t.Error("no field is an error")
	}
	v.Add("maxPages", "must be %d..%d", 1, 50)
	if v.Err() == nil || v.Error() != "maxPages: must be 1..50" {
		t.Errorf("one field: %v", v.Err())
	}
	v.Add("x", "y")
	if v.Error() != "2 invalid fields" {
		t.Errorf("two fields: %v", v.Err())
	}
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	for o, want := range map[Outcome]bool{OutcomeOK: false, OutcomeNotFound: false, OutcomeServerError: true, OutcomeTimeout: true, OutcomeNetwork: false, OutcomeRateLimited: true} {
		if o.Transient() != want {
			t.Errorf("%s transient = %v", o, !want)
		}
	}
}
