package llm

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"

	"github.com/tmc/langchaingo/llms"
	"github.com/tmc/langchaingo/llms/openai"
)

// openAI calls OpenAI, and every server with the same protocol.
type openAI struct {
	model  llms.Model
	legacy bool // whether to send max_tokens, which servers other than OpenAI understand, instead of max_completion_tokens
}

func newOpenAI(cfg Config, client *http.Client, legacy bool) (*openAI, error) {
	key := cfg.Key
	if key == "" {
		key = "none" // langchaingo requires a key; the transport removes it
	}
	// Every option is set, because langchaingo would take missing ones from the environment.
	m, err := openai.New(openai.WithToken(key), openai.WithModel(cfg.Model), openai.WithBaseURL(cfg.BaseURL),
		openai.WithOrganization(""), openai.WithHTTPClient(client))
	return &openAI{model: m, legacy: legacy}, err
}

func (o *openAI) send(ctx context.Context, r Request) (Reply, error) {
	var messages []llms.MessageContent
	for _, m := range r.Messages {
		parts := []llms.ContentPart{}
		switch m.Role {
		case ToolRole:
			parts = append(parts, llms.ToolCallResponse{ToolCallID: m.CallID, Name: m.Tool, Content: m.Text})
		default:
			if m.Text != "" || len(m.Calls) == 0 {
				parts = append(parts, llms.TextContent{Text: m.Text})
			}
			parts = append(parts, callParts(m.Calls)...)
		}
		messages = append(messages, llms.MessageContent{Role: chatRole(m.Role), Parts: parts})
	}
	opts := callOptions(r)
	if o.legacy {
		opts = append(opts, openai.WithLegacyMaxTokensField())
	}
	resp, err := o.model.GenerateContent(ctx, messages, opts...)
	if err != nil {
		return Reply{}, err
	}
	choice := resp.Choices[0]
	reply := Reply{Text: choice.Content, Calls: calls(choice.ToolCalls)}
	if f := choice.FuncCall; f != nil && len(reply.Calls) == 0 { // function_call, the older form of a tool call
		reply.Calls = []Call{{Name: f.Name, Arguments: f.Arguments}}
	}
	reply.Usage = Usage{Input: count(choice.GenerationInfo, "PromptTokens"), Output: count(choice.GenerationInfo, "CompletionTokens"),
		Cached: count(choice.GenerationInfo, "PromptCachedTokens")}
	reply.Usage.Cached = min(reply.Usage.Cached, reply.Usage.Input)
	// Some servers count the model's thinking tokens only in the total.
	reply.Usage.Output = max(reply.Usage.Output, count(choice.GenerationInfo, "TotalTokens")-reply.Usage.Input)
	switch reason := choice.StopReason; {
	case reason == "", reason == "null":
	case reason == "tool_calls", reason == "function_call":
		reply.Stop = StopCalls
	case reason == "length":
		reply.Stop = StopLength
	case strings.HasPrefix(reason, "content_filter"): // Google adds the kind of filter: "content_filter: RECITATION"
		reply.Stop = StopFiltered
	default: // "stop", and other words that servers use for it
		reply.Stop = StopEnd
	}
	return reply, nil
}

// callOptions returns the options for all providers.
func callOptions(r Request) []llms.CallOption {
	opts := []llms.CallOption{llms.WithMaxTokens(r.MaxTokens), llms.WithTemperature(0)}
	if len(r.Tools) > 0 {
		tools := make([]llms.Tool, len(r.Tools))
		for i, t := range r.Tools {
			tools[i] = llms.Tool{Type: "function", Function: &llms.FunctionDefinition{Name: t.Name, Description: t.Description, Parameters: t.Schema}}
		}
		opts = append(opts, llms.WithTools(tools))
	}
	if r.OnText != nil {
		opts = append(opts, llms.WithStreamingFunc(func(_ context.Context, piece []byte) error {
			if len(piece) > 0 {
				r.OnText(string(piece))
			}
			return nil
		}))
	}
	return opts
}

func chatRole(r Role) llms.ChatMessageType {
	switch r {
	case System:
		return llms.ChatMessageTypeSystem
	case Assistant:
		return llms.ChatMessageTypeAI
	case ToolRole:
		return llms.ChatMessageTypeTool
	default:
		return llms.ChatMessageTypeHuman
	}
}

// badName matches the characters that some provider refuses in the name of a tool.
var badName = regexp.MustCompile(`[^A-Za-z0-9_-]`)

// callParts converts the calls of an earlier message to a form that every server accepts: names without unusual
// characters, and arguments that are JSON objects. What the model wrote may have another form.
func callParts(calls []Call) []llms.ContentPart {
	var parts []llms.ContentPart
	for _, c := range calls {
		name := badName.ReplaceAllString(c.Name, "_")
		name = name[:min(len(name), 64)]
		if name == "" {
			name = "unknown"
		}
		args := c.Arguments
		var object map[string]any
		if json.Unmarshal([]byte(args), &object) != nil || object == nil {
			args = "{}"
		}
		parts = append(parts, llms.ToolCall{ID: c.ID, Type: "function", FunctionCall: &llms.FunctionCall{Name: name, Arguments: args}})
	}
	return parts
}

func calls(from []llms.ToolCall) []Call {
	var out []Call
	for _, c := range from {
		if c.FunctionCall != nil {
			out = append(out, Call{ID: c.ID, Name: c.FunctionCall.Name, Arguments: c.FunctionCall.Arguments})
		}
	}
	return out
}

// count reads a number from the usage that langchaingo returns as untyped values.
func count(info map[string]any, key string) int64 {
	switch n := info[key].(type) {
	case int:
		return int64(n)
	case int32:
		return int64(n)
	case int64:
		return n
	case float64:
		return int64(n)
	}
	return 0
}
