package model

import (
	"context"
	"log/slog"
	"testing"

	"legwork/internal/config"
	"legwork/internal/testsite"
)

func TestOpenModel(t *testing.T) {
	t.Parallel()
	log := slog.New(slog.DiscardHandler)
	load := func(environ ...string) config.Config {
		cfg, err := config.Load(environ, "")
		if err != nil {
			t.Fatal(err)
		}
		return cfg
	}
	ollama := testsite.OpenAI(t, nil)
	gone := testsite.OpenAI(t, nil)
	gone.Close()
	for name, tc := range map[string]struct {
		environ  []string
		ollama   string
		provider string
		model    string
	}{
		"nothing":            {nil, gone.BaseURL(), "", ""},
		"ollama":             {nil, ollama.BaseURL(), "openai", "scripted"},
		"ollama's other":     {[]string{"LLM_MODEL=scripted"}, ollama.BaseURL(), "openai", "scripted"},
		"ollama lacks it":    {[]string{"LLM_MODEL=qwen3"}, ollama.BaseURL(), "", ""},
		"reader":             {[]string{"LLM_PROVIDER=reader"}, ollama.BaseURL(), "", ""},
		"key before ollama":  {[]string{"LLM_API_KEY=sk-ant-x"}, ollama.BaseURL(), "anthropic", "claude-sonnet-4-5"},
		"google's key":       {[]string{"LLM_API_KEY=AIzax", "LLM_MODEL=g"}, ollama.BaseURL(), "googleai", "g"},
		"a server one's own": {[]string{"LLM_BASE_URL=http://127.0.0.1:1/v1", "LLM_MODEL=m"}, ollama.BaseURL(), "openai", "m"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := load(tc.environ...)
			m, err := Open(context.WithoutCancel(t.Context()), cfg, tc.ollama, nil, log)
			if err != nil {
				t.Fatal(err)
			}
			pin := Chooser(m, cfg).Pin()
			if m == nil {
				if tc.provider != "" || pin.Provider != "reader" {
					t.Errorf("no model, pin %+v", pin)
				}
				return
			}
			defer func() { _ = m.Close() }()
			if pin.Provider != tc.provider || pin.Model != tc.model || pin.Prompt == "" {
				t.Errorf("pin = %+v", pin)
			}
		})
	}
}
