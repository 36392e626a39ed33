package llm

import (
	"context"
	"errors"
	"net/http"

	"github.com/google/generative-ai-go/genai"
	"github.com/tmc/langchaingo/llms"
	"github.com/tmc/langchaingo/llms/googleai"
)

// googleAPI speaks to the Gemini API. langchaingo's client notes the model of a call in a field that all calls share; it
// leaves the field alone while every call names the model that the client was made for, so ours serves just one.
type googleAPI struct{ model *googleai.GoogleAI }

func newGoogleAI(ctx context.Context, cfg Config, client *http.Client) (*googleAPI, error) {
	key := cfg.Key
	if key == "" {
		key = "none"
	}
	// The key is there for a side client that is made with every client; requests of ours get it from the transport.
	m, err := googleai.New(context.WithoutCancel(ctx), googleai.WithAPIKey(key), googleai.WithHTTPClient(client), googleai.WithDefaultModel(cfg.Model))
	return &googleAPI{model: m}, err
}

func (g *googleAPI) close() error { return g.model.Close() }

func (g *googleAPI) send(ctx context.Context, r Request) (Reply, error) {
	resp, err := g.model.GenerateContent(ctx, googleMessages(r.Messages), callOptions(r)...)
	var blocked *genai.BlockedError
	if errors.As(err, &blocked) {
		return Reply{}, errors.Join(errBlocked, err)
	}
	if err != nil {
		return Reply{}, err
	}
	choice := resp.Choices[0]
	reply := Reply{Text: choice.Content, Calls: calls(choice.ToolCalls)}
	reply.Usage = Usage{Input: count(choice.GenerationInfo, "input_tokens"), Output: count(choice.GenerationInfo, "output_tokens")}
	switch choice.StopReason {
	case "", genai.FinishReasonUnspecified.String():
	case genai.FinishReasonMaxTokens.String():
		reply.Stop = StopLength
	case genai.FinishReasonSafety.String(), genai.FinishReasonRecitation.String():
		reply.Stop = StopFiltered
	default:
		reply.Stop = StopEnd
	}
	return reply, nil
}

// googleMessages puts what belongs to one turn into one message: the API wants the results of parallel calls together.
func googleMessages(from []Message) []llms.MessageContent {
	var out []llms.MessageContent
	for i, m := range from {
		var parts []llms.ContentPart
		switch {
		case m.Role == ToolRole:
			parts = append(parts, llms.ToolCallResponse{ToolCallID: m.CallID, Name: badName.ReplaceAllString(m.Tool, "_"), Content: m.Text})
		default:
			if m.Text != "" {
				parts = append(parts, llms.TextContent{Text: m.Text})
			}
			parts = append(parts, callParts(m.Calls)...)
		}
		if len(parts) == 0 {
			continue
		}
		if n := len(out); n > 0 && i > 0 && from[i-1].Role == m.Role && m.Role != System {
			out[n-1].Parts = append(out[n-1].Parts, parts...)
			continue
		}
		out = append(out, llms.MessageContent{Role: chatRole(m.Role), Parts: parts})
	}
	return out
}
