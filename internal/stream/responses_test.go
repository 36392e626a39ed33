package stream

import (
	"encoding/json"

	"legwork/internal/research"
)

// responses is a second encoder: it writes events as a protocol like OpenAI's Responses API. It shows that another
// protocol can be added with little code, and that an encoder needs only typed fields: those of research.Event and of
// the value that its method Fields returns.
type responses struct{}

func (responses) Event(e research.Event) []byte {
	f, err := e.Fields()
	if err != nil {
		return nil
	}
	switch e.Type {
	case research.EventThinking:
		return sse("response.reasoning_summary_text.done", map[string]any{"text": f.Content, "sequence_number": e.Seq})
	case research.EventToolCall:
		return sse("response.output_item.added", map[string]any{"item": map[string]any{"type": "function_call", "name": f.Tool, "arguments": string(f.Args)}})
	case research.EventComplete:
		return sse("response.completed", map[string]any{"response": map[string]any{"id": "resp_" + e.TaskID.String(), "status": "completed",
			"output": []any{map[string]any{"type": "message", "content": []any{map[string]any{"type": "output_text", "text": f.Answer, "annotations": f.Citations}}}}}})
	case research.EventError:
		if e.Terminal {
			return sse("response.failed", map[string]any{"response": map[string]any{"status": "failed", "error": map[string]any{"code": f.ErrorCode, "message": f.Error}}})
		}
	}
	return nil // the protocol has no such event
}

func (responses) Delta(d research.Delta) []byte {
	return sse("response.output_text.delta", map[string]any{"delta": d.Text, "output_index": 0})
}

func sse(name string, data map[string]any) []byte {
	data["type"] = name
	b, err := json.Marshal(data)
	if err != nil {
		panic(err)
	}
	return []byte("event: " + name + "\ndata: " + string(b) + "\n\n")
}
