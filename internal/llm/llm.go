// Package llm calls language models: OpenAI and every server with the same protocol, Anthropic, and Google AI
// (through its endpoint for OpenAI's protocol). All calls go through langchaingo, behind one small interface.
//
// Invariants:
//
//   - A [Reply] is complete. A call that was cancelled, was cut off, or ended without a stop reason returns an
//     error, even where langchaingo reports success.
//   - Neither langchaingo nor the HTTP transport repeats a request. Only [Client.Generate] does, and it calls
//     [Request.OnRetry] before each further attempt.
//   - An error is that of the caller's context, or an [*Error]. Its Message is for people, names what to
//     change, and holds neither key nor address. Its Cause is the provider's own message, for the log.
//   - A request with tools is never streamed.
package llm

import (
	"context"
	"time"
)

// Role says who wrote a message.
type Role string

// The roles of a conversation.
const (
	System    Role = "system"    // instructions; only as first message
	User      Role = "user"      // what is asked
	Assistant Role = "assistant" // the model's text, and the tools that it called
	ToolRole  Role = "tool"      // what one tool call gave
)

// Message is one entry of a conversation.
type Message struct {
	Role   Role
	Text   string
	Calls  []Call // of an assistant's message
	CallID string // in a tool's message: the call that it answers
	Tool   string // in a tool's message: the name of the tool
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

// The stop reasons. They are the same for all providers.
const (
	StopEnd      Stop = "end"        // it was done
	StopCalls    Stop = "tool_calls" // it waits for tools
	StopLength   Stop = "length"     // the reply reached the limit of output tokens
	StopFiltered Stop = "filtered"   // the provider withheld the rest
)

// Usage counts the tokens of one call.
type Usage struct {
	Input     int64 `json:"input"`
	Output    int64 `json:"output"`
	Estimated bool  `json:"estimated,omitempty"` // the provider did not say; estimated at four characters a token
}

// Reply is the model's answer. Its JSON form is stored in the journal of the run.
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

	// OnText is called with each piece of the text as it arrives. nil: the text arrives as a whole. Requests
	// with tools are never streamed. After a failed attempt OnRetry is called, and then the text starts again
	// from its beginning.
	OnText func(piece string)
	// OnRetry is called after a failed attempt, before the wait for the next one. Its error ends the call.
	OnRetry func(ctx context.Context, r Retry) error
	// Ready is called after the wait, before each further attempt. Its error ends the call.
	Ready func(ctx context.Context) error
}

// Retry describes a failed attempt that will be followed by another.
type Retry struct {
	Try     int           // number of the failed attempt, from 1
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
