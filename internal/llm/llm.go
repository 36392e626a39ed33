// Package llm calls language models: OpenAI and every server with the same protocol, Anthropic, and Google AI
// (through its endpoint for OpenAI's protocol). All calls go through langchaingo, behind one small interface.
//
// Invariants:
//
//   - A [Reply] is complete. A call that was cancelled, was cut off, or ended without a stop reason returns an
//     error, even when langchaingo reports success.
//   - Neither langchaingo nor the HTTP transport repeats a request. Only [Client.Generate] does, and it calls
//     [Request.OnRetry] before each further attempt.
//   - An error is that of the caller's context, or an [*Error]. Its Message is a sentence for users that says what to
//     change, without key and address. Its Cause is the provider's own message, for the log.
//   - A request with tools is never streamed.
//   - A window that an error names is remembered by the Client, see [Client.Window].
//   - A field of a request that the server refuses by name is renamed or left out in all later requests of the Client.
package llm

import (
	"context"
	"time"
)

// Role says who wrote a message.
type Role string

// The roles of a conversation.
const (
	System    Role = "system"    // instructions; only the first message has this role
	User      Role = "user"      // the question
	Assistant Role = "assistant" // the model's text and its tool calls
	ToolRole  Role = "tool"      // the result of one tool call
)

// Message is one entry of a conversation.
type Message struct {
	Role   Role
	Text   string
	Fixed  int    // for System: length in bytes of the beginning of Text that all tasks have in common, so that it can be cached; 0 means none
	Calls  []Call // for Assistant: the tool calls of the message
	CallID string // for ToolRole: the ID of the call whose result this is
	Tool   string // for ToolRole: the name of the tool
}

// Tool is a function that the model may call.
type Tool struct {
	Name        string
	Description string
	Schema      map[string]any // JSON Schema of the arguments, of type object with at least one property
}

// Call is a tool call that the model asks for.
type Call struct {
	ID        string `json:"id,omitempty"` // the id that the provider gave; may be empty or not unique
	Name      string `json:"name"`
	Arguments string `json:"arguments"` // should be a JSON object, but models make mistakes
}

// Stop says why the model stopped.
type Stop string

// The stop reasons. They are the same for all providers.
const (
	StopEnd      Stop = "end"        // the reply is finished
	StopCalls    Stop = "tool_calls" // the model waits for the results of its tool calls
	StopLength   Stop = "length"     // the reply reached the limit of output tokens
	StopFiltered Stop = "filtered"   // the provider withheld the rest
	StopEnough   Stop = "enough"     // Request.Enough ended the reply
)

// Usage counts the tokens of one call.
type Usage struct {
	Input     int64 `json:"input"`
	Output    int64 `json:"output"`
	Cached    int64 `json:"cached,omitempty"`    // the part of Input that the provider took from its cache
	Estimated bool  `json:"estimated,omitempty"` // the provider did not report the tokens, so they are estimated at four characters per token
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
	MaxTokens int // greatest number of output tokens; 0 means 4096

	// OnText is called with each piece of the text as it arrives. If OnText is nil or the request has tools, the reply
	// is not streamed. After a failed attempt OnRetry is called, and the next attempt sends the text again from its
	// beginning.
	OnText func(piece string)
	// Enough is called with the whole text so far after each piece of a streamed reply. If it returns true, the reply ends
	// there with the stop reason StopEnough, and its tokens are estimated. It may be nil.
	Enough func(text string) bool
	// OnRetry is called after a failed attempt, before the wait for the next one. Its error ends the call.
	OnRetry func(ctx context.Context, r Retry) error
	// Ready is called after the wait, before each further attempt. Its error ends the call.
	Ready func(ctx context.Context) error
}

// Retry describes a failed attempt that will be followed by another.
type Retry struct {
	Try     int           // number of the failed attempt, from 1
	Wait    time.Duration // wait before the next attempt
	Problem *Error
}

// Model is a language model.
type Model interface {
	// Provider returns "openai", "anthropic" or "googleai".
	Provider() string
	// Name returns the model's name as its provider spells it.
	Name() string
	// Window returns how many tokens the model takes, input and output together. It is 0 if that is not known. It may
	// shrink when the provider refuses a request as too long.
	Window() int
	// Generate makes one call. Its error is that of ctx or of a hook of the request, or an *Error.
	Generate(ctx context.Context, r Request) (Reply, error)
}
