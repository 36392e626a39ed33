package research

import (
	"encoding/json"
	"fmt"
)

// Fields are the decoded fields of an event's body. Each event type uses some of them; the comments name the type
// without its prefix "agent:". The others have their zero value.
type Fields struct {
	Content string `json:"content"` // of thinking

	Tool    string          `json:"tool"`    // of tool_call and tool_result
	Args    json.RawMessage `json:"args"`    // of tool_call: an object
	Result  json.RawMessage `json:"result"`  // of tool_result: an object
	Success bool            `json:"success"` // of tool_result

	ImageURL string `json:"imageUrl"` // of screenshot
	FullPage bool   `json:"fullPage"` // of screenshot

	Answer     string          `json:"answer"`     // of complete
	Citations  json.RawMessage `json:"citations"`  // of complete: an array
	Confidence float64         `json:"confidence"` // of complete, 0..1
	Duration   float64         `json:"duration"`   // of complete, in seconds

	Error       string `json:"error"`       // of error
	ErrorCode   string `json:"errorCode"`   // of error
	Recoverable bool   `json:"recoverable"` // of error

	Metadata json.RawMessage `json:"metadata"` // of every type: an object, or nil
}

// Fields decodes the body of the event. An empty body gives the zero Fields. It returns an error when the body is not
// a JSON object, or when a field has another type than in Fields.
func (e Event) Fields() (f Fields, err error) {
	if len(e.Body) == 0 {
		return f, nil
	}
	if err := json.Unmarshal(e.Body, &f); err != nil {
		return Fields{}, fmt.Errorf("event %d of task %s: decode body: %w", e.Seq, e.TaskID, err)
	}
	return f, nil
}
