// Package model opens the language model of the configuration, and checks it for /health and doctor.
package model

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"legwork/internal/agent/loop"
	"legwork/internal/agent/modelcalls"
	"legwork/internal/agent/price"
	"legwork/internal/agent/reader"
	"legwork/internal/config"
	"legwork/internal/httpapi"
	"legwork/internal/llm"
	"legwork/internal/metrics"
)

// With LLM_PROVIDER=auto, legwork looks for an Ollama on this machine.
const (
	LocalOllama = "http://127.0.0.1:11434/v1"
	ollamaWait  = time.Second // how long it waits for an answer
)

// Open opens the model of the configuration. It returns nil without an error when the built-in reader answers.
func Open(ctx context.Context, cfg config.Config, ollama string, counts *metrics.Metrics, log *slog.Logger) (*llm.Client, error) {
	c := llm.Config{Provider: string(cfg.Provider()), BaseURL: cfg.LLMBaseURL, Key: cfg.LLMAPIKey.Reveal(), Model: cfg.LLMModel, Window: cfg.LLMContextTokens,
		Timeout: cfg.LLMTimeout, Idle: cfg.LLMIdleTimeout, Concurrent: cfg.LLMMaxConcurrent, Metrics: counts, Log: log}
	switch cfg.Provider() {
	case config.ProviderReader:
		return nil, nil
	case config.ProviderAuto:
		c.Provider, c.BaseURL = llm.OpenAI, ollama
		return openOllama(ctx, c, log)
	}
	client, err := llm.Open(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("the language model cannot be used: %w", err)
	}
	return client, nil
}

// openOllama opens a model of a local Ollama. It returns nil when none answers.
func openOllama(ctx context.Context, c llm.Config, log *slog.Logger) (*llm.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, ollamaWait)
	defer cancel()
	client, err := llm.Open(ctx, c)
	if err == nil && c.Model != "" {
		err = client.Check(ctx)
	}
	if err != nil {
		if client != nil {
			_ = client.Close()
		}
		log.DebugContext(ctx, "no local Ollama answers; the built-in reader does", "error", err)
		return nil, nil
	}
	log.InfoContext(ctx, "a local Ollama answers", "model", client.Name())
	return client, nil
}

// Chooser returns the agent of the worker, for the model that Open opened.
func Chooser(model *llm.Client, cfg config.Config) loop.Chooser {
	c := loop.Chooser{Limits: modelcalls.Limits{MaxTokens: cfg.TaskMaxTokens, Support: bool(cfg.VerifySupport)}}
	for _, p := range cfg.ModelPrices {
		c.Limits.Prices = append(c.Limits.Prices, price.Price(p))
	}
	if model != nil { // without this check, the interface would hold a nil pointer and would itself not be nil
		c.Model = model
	}
	return c
}

// /health is requested often, so the result of a check of the model is used for some time. checkWait is shorter than
// healthTimeout of package httpapi, so that a model that does not answer cannot use up the time of the whole health
// check.
const (
	goodFor   = 15 * time.Second // how long a successful result is used
	badFor    = 2 * time.Second  // how long a failed result is used
	checkWait = time.Second      // time limit of one check
)

// Health holds the result of the last check of a model.
type Health struct {
	Model *llm.Client // nil when the built-in reader answers

	mu   sync.Mutex
	at   time.Time
	last error
}

// Look returns the state of the model. It checks the model if the last result is too old.
func (m *Health) Look(ctx context.Context) httpapi.LLM {
	if m.Model == nil {
		return httpapi.LLM{Provider: reader.Provider, Connected: true,
			Detail: "The built-in reader answers with verbatim passages; no language model is used."}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	hold := goodFor
	if m.last != nil {
		hold = badFor
	}
	if m.at.IsZero() || time.Since(m.at) > hold {
		ctx, cancel := context.WithTimeout(ctx, checkWait)
		defer cancel()
		m.last, m.at = m.Model.Check(ctx), time.Now()
	}
	h := httpapi.LLM{Provider: m.Model.Provider(), Model: m.Model.Name(), Connected: m.last == nil,
		Detail: fmt.Sprintf("The model %s of %s answers.", m.Model.Name(), m.Model.Provider())}
	var problem *llm.Error
	switch {
	case errors.As(m.last, &problem):
		h.Detail = problem.Message
	case m.last != nil:
		h.Detail = fmt.Sprintf("The model provider %s did not answer in time.", m.Model.Provider())
	}
	return h
}
