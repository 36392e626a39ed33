package llm

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/tmc/langchaingo/llms"
	"github.com/tmc/langchaingo/llms/anthropic"
)

// anthropicAPI calls models through Anthropic's Messages API.
type anthropicAPI struct{ model llms.Model }

func newAnthropic(cfg Config, client *http.Client) (*anthropicAPI, error) {
	key := cfg.Key
	if key == "" {
		key = "none" // langchaingo requires a key; the transport removes it
	}
	m, err := anthropic.New(anthropic.WithToken(key), anthropic.WithModel(cfg.Model), anthropic.WithBaseURL(cfg.BaseURL),
		anthropic.WithHTTPClient(client))
	return &anthropicAPI{model: m}, err
}

func (a *anthropicAPI) send(ctx context.Context, r Request) (Reply, error) {
	resp, err := a.model.GenerateContent(ctx, anthropicMessages(r.Messages), callOptions(r)...)
	if errors.Is(err, anthropic.ErrEmptyResponse) && ctx.Err() == nil {
		return Reply{Stop: StopEnd}, nil // a reply without content is allowed; it means that the model wrote nothing
	}
	if err != nil {
		return Reply{}, err
	}
	var reply Reply
	var text []string
	for _, choice := range resp.Choices { // langchaingo returns one choice for each content block
		if choice.Content != "" {
			text = append(text, choice.Content)
		}
		reply.Calls = append(reply.Calls, calls(choice.ToolCalls)...)
		cached := count(choice.GenerationInfo, "CacheReadInputTokens")
		reply.Usage = Usage{Output: count(choice.GenerationInfo, "OutputTokens"), Cached: cached,
			Input: count(choice.GenerationInfo, "InputTokens") + count(choice.GenerationInfo, "CacheCreationInputTokens") + cached}
		switch choice.StopReason {
		case "":
		case "tool_use":
			reply.Stop = StopCalls
		case "max_tokens", "model_context_window_exceeded":
			reply.Stop = StopLength
		case "refusal":
			reply.Stop = StopFiltered
		default: // "end_turn", "stop_sequence", "pause_turn"
			reply.Stop = StopEnd
		}
	}
	reply.Text = strings.Join(text, "\n")
	return reply, nil
}

// anthropicMessages converts a conversation. Each part of a message becomes a message of its own, because langchaingo
// sends only the first part of assistant and tool messages. The API joins consecutive messages of one role. Blank text
// is left out, because the API refuses it.
func anthropicMessages(from []Message) []llms.MessageContent {
	var out []llms.MessageContent
	add := func(role Role, part llms.ContentPart) {
		out = append(out, llms.MessageContent{Role: chatRole(role), Parts: []llms.ContentPart{part}})
	}
	for _, m := range from {
		if m.Role == ToolRole {
			text := m.Text
			if strings.TrimSpace(text) == "" {
				text = "(nothing)"
			}
			add(ToolRole, llms.ToolCallResponse{ToolCallID: m.CallID, Name: m.Tool, Content: text})
			continue
		}
		if text := strings.TrimRight(m.Text, " \t\r\n"); strings.TrimSpace(text) != "" {
			add(m.Role, llms.TextContent{Text: text})
		}
		for _, p := range callParts(m.Calls) {
			add(m.Role, p)
		}
	}
	return out
}

// cacheable marks in the body of a request what the API may cache: the tools with the beginning of the system message
// that all tasks have in common, and the whole conversation, which the task's next request begins with. fixed is the
// length of that beginning in bytes. A body that cannot be read remains as it is.
func cacheable(body []byte, fixed int) []byte {
	var request map[string]json.RawMessage
	var messages []map[string]json.RawMessage
	if json.Unmarshal(body, &request) != nil || json.Unmarshal(request["messages"], &messages) != nil || len(messages) == 0 {
		return body
	}
	ephemeral := map[string]string{"type": "ephemeral"}
	var system string
	if json.Unmarshal(request["system"], &system) == nil && 0 < fixed && fixed <= len(system) {
		blocks := []map[string]any{{"type": "text", "text": system[:fixed], "cache_control": ephemeral}}
		if rest := strings.TrimSpace(system[fixed:]); rest != "" {
			blocks = append(blocks, map[string]any{"type": "text", "text": rest})
		}
		request["system"], _ = json.Marshal(blocks) // this and the following cannot fail: they hold strings, and JSON that was just decoded
	}
	last := messages[len(messages)-1]
	var text string
	var content []map[string]any
	switch {
	case json.Unmarshal(last["content"], &text) == nil && strings.TrimSpace(text) != "":
		content = []map[string]any{{"type": "text", "text": text}}
	case json.Unmarshal(last["content"], &content) != nil || len(content) == 0:
		return body
	}
	content[len(content)-1]["cache_control"] = ephemeral
	last["content"], _ = json.Marshal(content)
	request["messages"], _ = json.Marshal(messages)
	changed, err := json.Marshal(request)
	if err != nil {
		return body
	}
	return changed
}
