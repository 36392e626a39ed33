package llm

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// googleAI calls the Gemini API through its endpoint for OpenAI's protocol. The endpoint differs from OpenAI in a few
// ways:
//
//   - It refuses messages without text, which OpenAI accepts.
//   - It counts the model's thinking tokens only in the total, although they are billed as output.
//   - Models from Gemini 3 on refuse a history in which a tool call has no thought signature ([signatures]).
//   - Its errors are JSON arrays ([brief]).
type googleAI struct{ openAI }

// googleBase returns the base URL of the OpenAI endpoint for a value of LLM_BASE_URL, which may be the endpoint itself, or the
// root of the Gemini API with or without its version.
func googleBase(base string) string {
	base = strings.TrimRight(base, "/")
	if strings.HasSuffix(base, "/openai") {
		return base
	}
	return strings.TrimSuffix(base, "/v1beta") + "/v1beta/openai"
}

func newGoogleAI(cfg Config, client *http.Client) (*googleAI, error) {
	signed := *client
	if wantsSignatures(cfg.Model) {
		signed.Transport = signatures{client.Transport}
	}
	o, err := newOpenAI(cfg, &signed, true)
	if err != nil {
		return nil, err
	}
	return &googleAI{*o}, nil
}

func (g *googleAI) send(ctx context.Context, r Request) (Reply, error) {
	var messages []Message
	for _, m := range r.Messages {
		blank := strings.TrimSpace(m.Text) == ""
		switch {
		case m.Role == ToolRole && blank:
			m.Text = "(nothing)"
		case blank && len(m.Calls) == 0:
			continue
		case blank:
			m.Text = ""
		}
		messages = append(messages, m)
	}
	r.Messages = messages
	return g.openAI.send(ctx, r)
}

var geminiVersion = regexp.MustCompile(`gemini-([0-9]+)`)

// wantsSignatures reports whether a model requires thought signatures: Gemini from version 3 on, and names without a version
// like gemini-flash-latest, which mean the newest version.
func wantsSignatures(model string) bool {
	if !strings.Contains(model, "gemini") {
		return false
	}
	v := geminiVersion.FindStringSubmatch(model)
	if v == nil {
		return true
	}
	n, err := strconv.Atoi(v[1])
	return err != nil || n >= 3
}

// noSignature is the value that the Gemini API documents for histories whose signatures are unknown. legwork does not know
// them, because langchaingo drops the field.
const noSignature = "skip_thought_signature_validator"

// signatures adds noSignature to the first tool call of each message of the model.
type signatures struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (s signatures) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body == nil || req.Method != http.MethodPost {
		return s.next.RoundTrip(req)
	}
	raw, err := io.ReadAll(req.Body)
	_ = req.Body.Close()
	if err != nil {
		return nil, fmt.Errorf("read the request to be sent: %w", err)
	}
	if raw, err = sign(raw); err != nil {
		return nil, fmt.Errorf("add signatures to the request: %w", err)
	}
	req = req.Clone(req.Context())
	req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(raw)), int64(len(raw))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(raw)), nil }
	return s.next.RoundTrip(req)
}

func sign(raw []byte) ([]byte, error) {
	var body map[string]json.RawMessage
	var messages []map[string]json.RawMessage
	if err := json.Unmarshal(raw, &body); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(body["messages"], &messages); err != nil {
		return nil, err
	}
	for _, m := range messages {
		var calls []map[string]any
		if m["tool_calls"] == nil {
			continue
		}
		if err := json.Unmarshal(m["tool_calls"], &calls); err != nil {
			return nil, err
		}
		if len(calls) == 0 {
			continue
		}
		calls[0]["extra_content"] = map[string]any{"google": map[string]any{"thought_signature": noSignature}}
		var err error
		if m["tool_calls"], err = json.Marshal(calls); err != nil {
			return nil, err
		}
	}
	var err error
	if body["messages"], err = json.Marshal(messages); err != nil {
		return nil, err
	}
	return json.Marshal(body)
}
