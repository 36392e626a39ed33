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

// adaptations are the changes to requests that a server has asked for, by field. An empty name: the field is left out. They hold
// for all later calls of the client, which has one model.
type adaptations struct {
	mu     sync.Mutex
	fields map[string]string
}

// adaptable are the fields that may be renamed or left out when a server names them in a refusal.
var adaptable = []string{"max_tokens", "max_completion_tokens", "temperature", "stream_options"}

var (
	saysUnsupported = regexp.MustCompile(`(?i)unsupported|not support|unrecogni[sz]ed|unknown|unexpected|not permitted|not allowed|extra inputs`)
	otherName       = map[string]string{"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}
)

// learn reads a refusal and notes the field of the request that it names. It returns false if it names none, or one that was changed
// before.
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
		if _, tried := a.fields[to]; tried { // the server takes neither name
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

// apply changes the body of a request. It returns the body that is sent.
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
	req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	return body, nil
}
