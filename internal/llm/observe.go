package llm

import (
	"context"
	"errors"
	"net/url"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"legwork/internal/metrics"
	"legwork/internal/tracing"
)

// observe begins the span of one attempt, by the semantic conventions for GenAI. done ends it and counts the attempt. Prompts and replies are in neither.
func (c *Client) observe(ctx context.Context, r Request) (_ context.Context, done func(Reply, error)) {
	ctx, span := tracing.Call(ctx, "chat", c.cfg.Model)
	began := time.Now()
	return ctx, func(reply Reply, err error) {
		call := metrics.ModelCall{Provider: c.cfg.Provider, Model: c.cfg.Model, Result: "ok", Took: time.Since(began),
			Input: reply.Usage.Input, Output: reply.Usage.Output, Cached: reply.Usage.Cached}
		var problem *Error
		switch {
		case errors.As(err, &problem):
			call.Result = string(problem.Kind)
		case err != nil:
			call.Result = "cancelled"
		}
		c.cfg.Metrics.ModelCalled(call)
		if !span.On() {
			return
		}
		span.Set(attribute.String(tracing.GenAIOperation, "chat"), attribute.String(tracing.GenAIProvider, genAIProviders[c.cfg.Provider]),
			attribute.String(tracing.GenAIModel, c.cfg.Model), attribute.Int(tracing.GenAIMaxTokens, r.MaxTokens))
		if u, perr := url.Parse(c.cfg.BaseURL); perr == nil {
			span.Set(attribute.String(tracing.ServerHost, u.Hostname()))
		}
		if err == nil {
			span.Set(attribute.StringSlice(tracing.GenAIFinish, []string{string(reply.Stop)}), attribute.Int64(tracing.GenAIInput, call.Input),
				attribute.Int64(tracing.GenAIOutput, call.Output), attribute.Int64(tracing.GenAICached, call.Cached))
		} else {
			span.Fail(call.Result)
		}
		span.End()
	}
}

// genAIProviders are the providers as the semantic conventions name them. OpenAI's protocol is spoken by other servers too; they are told apart by
// server.address.
var genAIProviders = map[string]string{OpenAI: "openai", Anthropic: "anthropic", GoogleAI: "gcp.gemini"}
