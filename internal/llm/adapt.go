package llm

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"regexp"
	"sync"
)

// adaptations are the changes to requests that a server made necessary by refusing fields. fields maps the name of a
// field to the name that is sent instead; if that is empty, the field is left out. The changes apply to all later calls
// of the client, which has one model.
type adaptations struct {
	mu     sync.Mutex
	fields map[string]string
}

// adaptable are the fields that may be renamed or left out if a server refuses them by name.
var adaptable = []string{"max_tokens", "max_completion_tokens", "temperature", "stream_options"}

var (
	saysUnsupported = regexp.MustCompile(`(?i)unsupported|not support|unrecogni[sz]ed|unknown|unexpected|not permitted|not allowed|extra inputs`)
	otherName       = map[string]string{"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}
)

// learn reads a refusal and records a change for the field of the request that the refusal names. It returns false if
// the refusal names no such field, or only fields that were changed before.
func (a *adaptations) learn(status int, refusal, request []byte) bool {
	if status != http.StatusBadRequest && status != http.StatusUnprocessableEntity || !saysUnsupported.Match(refusal) || saysTooLong.Match(refusal) {
		return false
	}
	var sent map[string]json.RawMessage
	if json.Unmarshal(request, &sent) != nil {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, field := range adaptable {
		_, isSent := sent[field]
		_, changed := a.fields[field]
		if !isSent || changed || !regexp.MustCompile(`\b`+field+`\b`).Match(refusal) {
			continue
		}
		to := otherName[field]
		if _, tried := a.fields[to]; tried { // the server refuses both names of the field
			to = ""
			for from := range a.fields {
				if a.fields[from] == field {
					a.fields[from] = ""
				}
			}
		}
		if a.fields == nil {
			a.fields = map[string]string{}
		}
		a.fields[field] = to
		return true
	}
	return false
}

// apply changes the body of a request by the adaptations. It returns the body that is sent.
func (a *adaptations) apply(req *http.Request) ([]byte, error) {
	if req.Body == nil {
		return nil, nil
	}
	body, err := io.ReadAll(req.Body)
	_ = req.Body.Close()
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	fields := maps.Clone(a.fields)
	a.mu.Unlock()
	var sent map[string]json.RawMessage
	if len(fields) > 0 && json.Unmarshal(body, &sent) == nil {
		for from, to := range fields {
			value, ok := sent[from]
			if !ok {
				continue
			}
			delete(sent, from)
			if to != "" {
				sent[to] = value
			}
		}
		if body, err = json.Marshal(sent); err != nil {
			return nil, err
		}
	}
	setBody(req, body)
	return body, nil
}

func setBody(req *http.Request, body []byte) {
	req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
}
