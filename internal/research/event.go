package research

import (
	"bytes"
	"encoding/json"
	"maps"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// EventType is the type of an event.
type EventType string

// The event types of the contract.
const (
	EventThinking   EventType = "agent:thinking"
	EventToolCall   EventType = "agent:tool_call"
	EventToolResult EventType = "agent:tool_result"
	EventScreenshot EventType = "agent:screenshot"
	EventComplete   EventType = "agent:complete"
	EventError      EventType = "agent:error"
	EventDelta      EventType = "agent:delta" // a piece of the answer that is being written; it is sent to streams, and not stored in the log
)

// MaxPreview is the greatest size of a tool result in an event, in bytes. The full results are in the journal's steps
// and in the snapshots.
const MaxPreview = 4096

// TimeFormat is the format of every time that legwork sends or writes to files: RFC 3339 in UTC with
// milliseconds and Z.
const TimeFormat = "2006-01-02T15:04:05.000Z"

// Event is one entry of a task's log. The transaction that appends the event sets Seq and Time.
type Event struct {
	TaskID   uuid.UUID
	Seq      int64
	Type     EventType
	Time     time.Time
	Terminal bool            // whether this is the last event of the log
	Body     json.RawMessage // JSON object with the fields of the type and metadata; fields without a value are left out
}

// Frame encodes the event as clients receive it: one JSON object. Its first fields are the same for events of all types.
func (e Event) Frame() []byte {
	b := append(make([]byte, 0, len(e.Body)+160), `{"seq":`...)
	b = strconv.AppendInt(b, e.Seq, 10)
	b = append(append(b, `,"type":"`...), e.Type...)
	b = append(append(b, `","taskId":"`...), e.TaskID.String()...)
	b = e.Time.UTC().AppendFormat(append(b, `","timestamp":"`...), TimeFormat)
	b = append(b, '"')
	if body := bytes.TrimSpace(e.Body); len(body) > 2 {
		return append(append(b, ','), body[1:]...)
	}
	return append(b, '}')
}

// MarshalJSON implements json.Marshaler with Frame.
func (e Event) MarshalJSON() ([]byte, error) { return e.Frame(), nil }

// newEvent returns an event of type t. It leaves out empty metadata and fields whose value is nil.
func newEvent(t EventType, terminal bool, metadata map[string]any, fields map[string]any) Event {
	if len(metadata) > 0 {
		fields["metadata"] = metadata
	}
	for k, v := range fields {
		if v == nil {
			delete(fields, k)
		}
	}
	body, err := EncodeJSON(fields)
	if err != nil { // only for values that JSON cannot hold, which no caller passes
		body = []byte(`{"metadata":{"encoding":"failed"}}`)
	}
	return Event{Type: t, Terminal: terminal, Body: body}
}

// EncodeJSON encodes a value as JSON for the bodies of events and for the journal. The JSON is compact. The characters
// <, > and & are not escaped, so that quotes remain readable.
func EncodeJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// Thinking returns the event that says what the agent does next, or that the status has changed (metadata.status).
func Thinking(content string, metadata map[string]any) Event {
	return newEvent(EventThinking, false, metadata, map[string]any{"content": content})
}

// ToolCall returns the event that announces a tool call. Nil args become an empty object.
func ToolCall(tool string, args, metadata map[string]any) Event {
	if args == nil {
		args = map[string]any{}
	}
	return newEvent(EventToolCall, false, metadata, map[string]any{"tool": tool, "args": args})
}

// ToolResult returns the event with the result of a tool call. Long strings and lists in result are cut (MaxPreview).
func ToolResult(tool string, result map[string]any, success bool, metadata map[string]any) Event {
	if result == nil {
		result = map[string]any{}
	}
	return newEvent(EventToolResult, false, metadata,
		map[string]any{"tool": tool, "result": Preview(result, MaxPreview), "success": success})
}

// Screenshot returns the event that says that a screenshot of url was taken.
func Screenshot(imageURL, url string, fullPage bool) Event {
	return newEvent(EventScreenshot, false, map[string]any{"url": url},
		map[string]any{"imageUrl": imageURL, "fullPage": fullPage})
}

// Complete returns the terminal event with the answer. citations must encode to the array that the contract specifies.
// more are further fields; those that are nil are left out.
func Complete(answer string, citations any, confidence, duration float64, metadata map[string]any, more ...map[string]any) Event {
	fields := map[string]any{"answer": answer, "citations": citations, "confidence": confidence, "duration": duration}
	for _, m := range more {
		maps.Copy(fields, m)
	}
	return newEvent(EventComplete, true, metadata, fields)
}

// ErrorEvent returns the event of an error. An error that is not recoverable is a terminal event.
func ErrorEvent(code, message string, recoverable bool, metadata map[string]any) Event {
	return newEvent(EventError, !recoverable, metadata, map[string]any{
		"error": message, "errorCode": code, "recoverable": recoverable})
}

// Preview returns v with long strings and long lists cut until it encodes to at most max bytes.
func Preview(v map[string]any, max int) map[string]any {
	for limit := max; limit >= 16; limit /= 2 {
		cut, _ := shorten(v, limit).(map[string]any)
		if b, err := EncodeJSON(cut); err == nil && len(b) <= max {
			return cut
		}
	}
	return map[string]any{"truncated": true}
}

func shorten(v any, limit int) any {
	switch x := v.(type) {
	case string:
		return Truncate(x, limit)
	case map[string]any:
		out := make(map[string]any, len(x))
		for k, e := range x {
			out[k] = shorten(e, limit)
		}
		return out
	case []any:
		keep := min(len(x), max(3, limit/64))
		out := make([]any, keep)
		for i := range out {
			out[i] = shorten(x[i], limit/2)
		}
		return out
	}
	return v
}

// Truncate cuts s to at most max bytes, between two characters. If it cuts something off, the result ends with an
// ellipsis.
func Truncate(s string, max int) string {
	if len(s) <= max {
		return s
	}
	cut := max - len("…")
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:max0(cut)] + "…"
}

func max0(n int) int { return max(n, 0) }

// maxChildAnswer is how much of a child's answer the event in its parent's log shows, in bytes.
const maxChildAnswer = 1000

// OfChild returns a copy of an event of a child for the log of its deep task: with metadata.child, and not terminal. The
// terminal event of a completed child becomes a thinking event with the beginning of the answer.
func (e Event) OfChild(child uuid.UUID, number int) (Event, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(e.Body, &fields); err != nil {
		return Event{}, err
	}
	metadata := map[string]json.RawMessage{}
	if raw, ok := fields["metadata"]; ok {
		if err := json.Unmarshal(raw, &metadata); err != nil {
			return Event{}, err
		}
	}
	set := func(m map[string]json.RawMessage, key string, v any) {
		m[key], _ = EncodeJSON(v) // strings and maps of strings and numbers, which JSON can hold
	}
	set(metadata, "child", map[string]any{"taskId": child, "number": number, "seq": e.Seq})
	switch {
	case e.Type == EventComplete:
		var answer string
		if err := json.Unmarshal(fields["answer"], &answer); err != nil {
			return Event{}, err
		}
		e.Type = EventThinking
		set(metadata, "status", Completed)
		metadata["confidence"] = fields["confidence"]
		fields = map[string]json.RawMessage{}
		is := " is answered: "
		if string(metadata["answered"]) == "false" {
			is = " is not answered: "
		}
		set(fields, "content", "Sub-question "+strconv.Itoa(number)+is+Truncate(answer, maxChildAnswer))
	case e.Terminal:
		set(fields, "recoverable", true)
		set(metadata, "ended", true)
	}
	set(fields, "metadata", metadata)
	body, err := EncodeJSON(fields)
	return Event{Type: e.Type, Body: body}, err
}
