package wire

import (
	"github.com/google/uuid"

	"legwork/internal/research"
)

// Events encodes events and deltas as the JSON objects of the contract: WebSocket frames, and the data of server-sent
// events. It implements stream.Encoder.
type Events struct{}

// Event encodes an event as one JSON object.
func (Events) Event(e research.Event) []byte { return e.Frame() }

// Delta encodes a delta as one JSON object. It has no seq, because it is not in the log.
func (Events) Delta(d research.Delta) []byte {
	b, _ := research.EncodeJSON(struct { // encoding strings, numbers and a bool cannot fail
		Type   research.EventType `json:"type"`
		TaskID uuid.UUID          `json:"taskId"`
		Time   string             `json:"timestamp"`
		Offset int                `json:"offset"`
		Text   string             `json:"text"`
		Reset  bool               `json:"reset,omitempty"`
	}{research.EventDelta, d.TaskID, d.Time.UTC().Format(research.TimeFormat), d.Offset, d.Text, d.Reset})
	return b
}
