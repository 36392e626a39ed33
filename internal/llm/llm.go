// Package llm talks to language models: OpenAI and every server that speaks its protocol, Anthropic, and Google AI (by its
// endpoint for OpenAI's protocol), all through langchaingo, behind one small interface.
//
// Invariants:
//
//   - A [Reply] is whole or there is none: a call that was cancelled, cut, or ended without a stop reason is an error, even
//     where langchaingo reports success.
//   - Neither langchaingo nor the HTTP transport repeats a request. [Client.Generate] alone does, and calls
//     [Request.OnRetry] before each further try.
//   - An error is that of the caller's context, or an [*Error]. Its Message is for people, names what to change, and holds
//     neither key nor address. Its Cause is what the provider said, for the log.
//   - Turns with tools are never streamed.
package llm

import (
	"context"
	"time"
)

// Role says whose message it is.
type Role string

// The roles of a conversation.
const (
	System    Role = "system"    // instructions; only as first message
	User      Role = "user"      // what is asked
	Assistant Role = "assistant" // what the model said, with the tools it called
	ToolRole  Role = "tool"      // what one tool call gave
)

// Message is one entry of a conversation.
type Message struct {
	Role   Role
	Text   string
	Calls  []Call // of an assistant's message
	CallID string // of a tool's message: the call that it answers
	Tool   string // of a tool's message: the tool's name
}

// Tool is a function that the model may call.
type Tool struct {
	Name        string
	Description string
	Schema      map[string]any // JSON Schema of the arguments, of type object with at least one property
}

// Call is a call of a tool that the model asks for.
type Call struct {
	ID        string `json:"id,omitempty"` // as the provider gave it; may be empty or not unique
	Name      string `json:"name"`
	Arguments string `json:"arguments"` // should be a JSON object, but models make mistakes
}

// Stop says why the model stopped.
type Stop string

// The stop reasons, alike for all providers.
const (
	StopEnd      Stop = "end"        // it was done
	StopCalls    Stop = "tool_calls" // it waits for tools
	StopLength   Stop = "length"     // the limit of output tokens cut it off
	StopFiltered Stop = "filtered"   // the provider withheld the rest
)

// Usage is what one call cost, in tokens.
type Usage struct {
	Input     int64 `json:"input"`
	Output    int64 `json:"output"`
	Estimated bool  `json:"estimated,omitempty"` // the provider did not say; four characters count as one token
}

// Reply is what the model answered. Its JSON form is stored in the journal of the run.
type Reply struct {
	Text  string `json:"text"`
	Calls []Call `json:"calls,omitempty"`
	Stop  Stop   `json:"stop"`
	Usage Usage  `json:"usage"`
}

// Request is one call of a model.
type Request struct {
	Messages  []Message
	Tools     []Tool
	MaxTokens int // of output; 0: 4096

	// OnText gets the text piece by piece as it arrives; nil: the text arrives whole. Requests with tools are never streamed.
	// After a failed try the text starts again from its beginning; OnRetry is called before that.
	OnText func(piece string)
	// OnRetry is called after a failed try, before the wait for the next one. Its error ends the call.
	OnRetry func(ctx context.Context, r Retry) error
	// Ready is called after the wait, before each further try. Its error ends the call.
	Ready func(ctx context.Context) error
}

// Retry describes a failed try that will be followed by another.
type Retry struct {
	Try     int           // number of the failed try, from 1
	Wait    time.Duration // until the next try
	Problem *Error
}

// Model answers requests.
type Model interface {
	// Provider is "openai", "anthropic" or "googleai".
	Provider() string
	// Name is the model's name as its provider spells it.
	Name() string
	// Generate makes one call. Its error is that of ctx or of a hook of the request, or an *Error.
	Generate(ctx context.Context, r Request) (Reply, error)
}
