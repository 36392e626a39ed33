package llm

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"legwork/internal/testsite"
)

// server is a scripted model of one provider, with a client for it.
type server struct {
	*testsite.LLM
	*Client
}

func open(t *testing.T, provider string, script testsite.Script, change ...func(*Config)) server {
	t.Helper()
	start := map[string]func(testing.TB, testsite.Script) *testsite.LLM{
		OpenAI: testsite.OpenAI, Anthropic: testsite.Anthropic, GoogleAI: testsite.Google}
	l := start[provider](t, script)
	cfg := Config{Provider: provider, BaseURL: l.BaseURL(), Key: "sk-test-key", Model: "scripted", Backoff: time.Millisecond, Timeout: 20 * time.Second}
	for _, f := range change {
		f(&cfg)
	}
	c, err := Open(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return server{l, c}
}

func everyProvider(t *testing.T, f func(t *testing.T, provider string)) {
	for p := range providers {
		t.Run(p, func(t *testing.T) {
			t.Parallel()
			f(t, p)
		})
	}
}

func ask(text string) Request { return Request{Messages: []Message{{Role: User, Text: text}}} }

var lookup = Tool{Name: "look_up", Description: "Looks a word up.", Schema: map[string]any{"type": "object",
	"properties": map[string]any{"word": map[string]any{"type": "string", "description": "the word"}}, "required": []string{"word"}}}

func kind(t *testing.T, err error) Kind {
	t.Helper()
	var e *Error
	require.ErrorAs(t, err, &e)
	require.NotEmpty(t, e.Message)
	require.NotContains(t, e.Error(), "sk-test-key")
	return e.Kind
}

func TestReplies(t *testing.T) {
	t.Parallel()
	everyProvider(t, func(t *testing.T, provider string) {
		s := open(t, provider, testsite.Play(
			testsite.Turn{Text: "Grüße 🌊", In: 12, Out: 3},
			testsite.Turn{Text: "Let me see.", Calls: []testsite.ToolCall{{Name: "look_up", Arguments: `{"word":"a"}`}, {Name: "look_up", Arguments: `{"word":"b"}`}}},
			testsite.Turn{Text: "It is long", Stop: map[string]string{OpenAI: "length", Anthropic: "max_tokens", GoogleAI: "length"}[provider]},
		))
		require.Equal(t, provider, s.Provider())
		require.Equal(t, "scripted", s.Name())
		r, err := s.Generate(t.Context(), ask("Hello?"))
		require.NoError(t, err)
		require.Equal(t, Reply{Text: "Grüße 🌊", Stop: StopEnd, Usage: Usage{Input: 12, Output: 3}}, r)

		r, err = s.Generate(t.Context(), Request{Messages: []Message{{Role: System, Text: "Be brief."}, {Role: User, Text: "What are a and b?"}}, Tools: []Tool{lookup}})
		require.NoError(t, err)
		require.Equal(t, "Let me see.", r.Text)
		require.Equal(t, StopCalls, r.Stop)
		require.Len(t, r.Calls, 2)
		require.Equal(t, "look_up", r.Calls[1].Name)
		require.JSONEq(t, `{"word":"b"}`, r.Calls[1].Arguments)
		require.Equal(t, []string{"look_up"}, s.Requests()[1].Tools())
		require.Contains(t, s.Requests()[1].Raw, "Be brief.")

		r, err = s.Generate(t.Context(), ask("Tell me all."))
		require.NoError(t, err)
		require.Equal(t, StopLength, r.Stop)
	})
}

// TestHistory sends each provider a conversation with parallel calls, broken arguments and an invalid name.
func TestHistory(t *testing.T) {
	t.Parallel()
	everyProvider(t, func(t *testing.T, provider string) {
		s := open(t, provider, testsite.Play(testsite.Turn{Text: "Done."}))
		_, err := s.Generate(t.Context(), Request{Tools: []Tool{lookup}, Messages: []Message{
			{Role: System, Text: "Be brief."}, {Role: User, Text: "What are a and b?"},
			{Role: Assistant, Text: "Looking.", Calls: []Call{{ID: "t0001c001", Name: "look_up", Arguments: `{"word":"a"}`}, {ID: "t0001c002", Name: "look up!", Arguments: `{"word`}}},
			{Role: ToolRole, CallID: "t0001c001", Tool: "look_up", Text: "first letter"},
			{Role: ToolRole, CallID: "t0001c002", Tool: "look up!", Text: ""},
			{Role: Assistant, Text: ""}, {Role: User, Text: "Well?"},
		}})
		require.NoError(t, err)
		req := s.Requests()[0]
		for _, want := range []string{"Looking.", `look_up_`, "first letter", "Well?"} {
			require.Contains(t, req.Raw, want)
		}
		require.NotContains(t, req.Raw, "look up!")
		var roles []string
		for _, m := range req.Messages() {
			roles = append(roles, m["role"].(string))
		}
		want := map[string]string{
			OpenAI:    "system user assistant tool tool assistant user",
			Anthropic: "user assistant assistant assistant user user user",
			GoogleAI:  "system user assistant tool tool user",
		}[provider]
		require.Equal(t, want, strings.Join(roles, " "))
		if provider == Anthropic {
			require.Equal(t, "Be brief.", req.Body["system"])
			require.Contains(t, req.Raw, `"input":{}`)
		}
	})
}

func TestKeys(t *testing.T) {
	t.Parallel()
	everyProvider(t, func(t *testing.T, provider string) {
		s := open(t, provider, testsite.Play(testsite.Turn{Text: "yes"}))
		s.Demand("sk-test-key", "scripted")
		require.NoError(t, s.Check(t.Context()))
		_, err := s.Generate(t.Context(), ask("?"))
		require.NoError(t, err)
		require.NotContains(t, s.Requests()[0].Path, "sk-test-key")
		require.Equal(t, 1, s.Checks())

		s.Demand("another", "scripted")
		err = s.Check(t.Context())
		require.Equal(t, BadKey, kind(t, err))
		_, err = s.Generate(t.Context(), ask("?"))
		require.Equal(t, BadKey, kind(t, err))
		require.ErrorContains(t, err, "set LLM_API_KEY")
		require.Len(t, s.Requests(), 1, "a refused key is not tried again")

		s.Demand("", "other")
		require.Equal(t, BadModel, kind(t, s.Check(t.Context())))
		s.LLM.Close()
		require.Equal(t, Connection, kind(t, s.Check(t.Context())))
	})
}

func TestNoKeyIsNoHeader(t *testing.T) {
	t.Parallel()
	s := open(t, OpenAI, testsite.Play(testsite.Turn{Text: "yes"}), func(c *Config) { c.Key, c.Model = "", "" })
	require.Equal(t, "scripted", s.Name(), "the first model that the server lists")
	_, err := s.Generate(t.Context(), ask("?"))
	require.NoError(t, err)
	require.Empty(t, s.Requests()[0].Header.Get("Authorization"))
	require.Contains(t, s.Requests()[0].Body, "max_tokens")
}

// TestPermanent checks that an error that is not transient ends the call without another attempt.
func TestPermanent(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		turn testsite.Turn
		kind Kind
		says string
	}{
		"unknown model":   {testsite.Turn{Status: 404, Code: "model_not_found", Error: "The model `scripted` does not exist"}, BadModel, "LLM_MODEL"},
		"ollama's model":  {testsite.Turn{Status: 404, Error: `model "scripted" not found, try pulling it first`}, BadModel, "LLM_MODEL"},
		"too long":        {testsite.Turn{Status: 400, Code: "context_length_exceeded", Error: "This model's maximum context length is 8192 tokens."}, TooLong, "context"},
		"llama.cpp's":     {testsite.Turn{Status: 500, Error: "the request exceeds the available context size. try increasing the context size"}, TooLong, "context"},
		"no tools":        {testsite.Turn{Status: 400, Error: "registry.ollama.ai/library/gemma:2b does not support tools"}, NoTools, "tools"},
		"quota":           {testsite.Turn{Status: 429, Code: "insufficient_quota", Error: "You exceeded your current quota"}, NoQuota, "quota"},
		"credit":          {testsite.Turn{Status: 400, Error: "Your credit balance is too low to access the API"}, NoQuota, "credit"},
		"payment":         {testsite.Turn{Status: 402, Error: "pay"}, NoQuota, "credit"},
		"google's key":    {testsite.Turn{Status: 400, Error: "API key not valid. Please pass a valid API key."}, BadKey, "LLM_API_KEY"},
		"forbidden":       {testsite.Turn{Status: 403, Error: "no sk-test-key here"}, BadKey, "LLM_API_KEY"},
		"other":           {testsite.Turn{Status: 422, Error: "temperature is wrong"}, BadRequest, "HTTP 422"},
		"wait of an hour": {testsite.Turn{Status: 429, RetryAfter: "3600", Error: "slow down"}, Busy, "busy"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, OpenAI, testsite.Play(tc.turn))
			_, err := s.Generate(t.Context(), ask("?"))
			require.Equal(t, tc.kind, kind(t, err))
			var e *Error
			require.ErrorAs(t, err, &e)
			require.Contains(t, e.Message, tc.says)
			require.Len(t, s.Requests(), 1)
		})
	}
}

// TestTransient checks that the call is repeated after each kind of transient error, and that OnRetry gets the error.
func TestTransient(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		turn testsite.Turn
		kind Kind
	}{
		"429":            {testsite.Turn{Status: 429, RetryAfter: "0.01", Error: "slow down"}, Busy},
		"503":            {testsite.Turn{Status: 503, Error: "loading model"}, ServerError},
		"529":            {testsite.Turn{Status: 529, Error: "overloaded"}, Busy},
		"cut":            {testsite.Turn{Text: "a long answer", Cut: true}, CutOff},
		"no stop reason": {testsite.Turn{Text: "half", Stop: "none"}, CutOff},
		"no JSON":        {testsite.Turn{Raw: "<html>proxy</html>"}, Unreadable},
		"no choices":     {testsite.Turn{Raw: `{"choices":[]}`}, Unreadable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, OpenAI, testsite.Play(tc.turn, tc.turn, testsite.Turn{Text: "at last"}))
			var told []Retry
			ready := 0
			req := ask("?")
			req.OnRetry = func(_ context.Context, r Retry) error { told = append(told, r); return nil }
			req.Ready = func(context.Context) error { ready++; return nil }
			r, err := s.Generate(t.Context(), req)
			require.NoError(t, err)
			require.Equal(t, "at last", r.Text)
			require.Len(t, told, 2)
			require.Equal(t, 2, ready)
			for i, retry := range told {
				require.Equal(t, i+1, retry.Try)
				require.Equal(t, tc.kind, retry.Problem.Kind)
				require.Positive(t, retry.Wait)
			}
		})
	}
}

func TestTransientEverywhere(t *testing.T) {
	t.Parallel()
	everyProvider(t, func(t *testing.T, provider string) {
		busy := testsite.Turn{Status: 503, Code: "UNAVAILABLE", Error: "overloaded"}
		s := open(t, provider, testsite.Play(busy, testsite.Turn{Text: "half a reply", Cut: true}, testsite.Turn{Text: "yes"}))
		var kinds []Kind
		req := ask("?")
		req.OnRetry = func(_ context.Context, r Retry) error { kinds = append(kinds, r.Problem.Kind); return nil }
		_, err := s.Generate(t.Context(), req)
		require.NoError(t, err)
		require.Equal(t, []Kind{ServerError, CutOff}, kinds)
		require.Len(t, s.Requests(), 3, "no library repeats a request")
	})
}

func TestTriesEnd(t *testing.T) {
	t.Parallel()
	s := open(t, OpenAI, func(int, testsite.ModelRequest) testsite.Turn { return testsite.Turn{Status: 500, Error: "no"} }, func(c *Config) { c.Tries = 3 })
	_, err := s.Generate(t.Context(), ask("?"))
	require.Equal(t, ServerError, kind(t, err))
	require.Len(t, s.Requests(), 3)

	stop := errors.New("stop")
	req := ask("?")
	req.OnRetry = func(context.Context, Retry) error { return stop }
	_, err = s.Generate(t.Context(), req)
	require.ErrorIs(t, err, stop)
	req.OnRetry, req.Ready = nil, func(context.Context) error { return stop }
	_, err = s.Generate(t.Context(), req)
	require.ErrorIs(t, err, stop)
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	everyProvider(t, func(t *testing.T, provider string) {
		s := open(t, provider, testsite.Play(testsite.Turn{Hang: true}), func(c *Config) { c.Timeout, c.Tries = 50*time.Millisecond, 1 })
		_, err := s.Generate(t.Context(), ask("?"))
		require.Equal(t, Timeout, kind(t, err))
		require.ErrorContains(t, err, "LLM_TIMEOUT")
	})
}

// TestIdle checks that an attempt ends when its stream sends nothing for the idle time, and that the call is then repeated.
func TestIdle(t *testing.T) {
	t.Parallel()
	for _, provider := range []string{OpenAI, Anthropic, GoogleAI} {
		t.Run(provider, func(t *testing.T) {
			t.Parallel()
			s := open(t, provider, testsite.Play(testsite.Turn{Hang: true}, testsite.Turn{Text: "yes"}),
				func(c *Config) { c.Timeout, c.Idle = 20*time.Second, time.Second })
			var problems []*Error
			req := ask("?")
			req.OnText = func(string) {}
			req.OnRetry = func(_ context.Context, r Retry) error { problems = append(problems, r.Problem); return nil }
			r, err := s.Generate(t.Context(), req)
			require.NoError(t, err)
			require.Equal(t, "yes", r.Text)
			require.Len(t, problems, 1)
			require.Equal(t, Timeout, problems[0].Kind)
			require.Contains(t, problems[0].Message, "LLM_IDLE_TIMEOUT")
		})
	}
}

// TestIdleBody checks that an attempt ends when its response body stops in the middle, whether the reply is streamed or
// not.
func TestIdleBody(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"choices":[`))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	t.Cleanup(server.Close)
	c, err := Open(t.Context(), Config{Provider: OpenAI, BaseURL: server.URL, Model: "m", Timeout: 20 * time.Second, Idle: 100 * time.Millisecond, Tries: 1})
	require.NoError(t, err)
	_, err = c.Generate(t.Context(), ask("?"))
	require.Equal(t, Timeout, kind(t, err))
	require.ErrorContains(t, err, "LLM_IDLE_TIMEOUT")
}

// TestCancelled checks that a call whose context was cancelled returns the context's error, whether the reply is
// streamed or not.
func TestCancelled(t *testing.T) {
	t.Parallel()
	everyProvider(t, func(t *testing.T, provider string) {
		gone := errors.New("gone")
		ctx, cancel := context.WithCancelCause(t.Context())
		s := open(t, provider, func(int, testsite.ModelRequest) testsite.Turn { cancel(gone); return testsite.Turn{Hang: true} })
		req := ask("?")
		req.OnText = func(string) {}
		_, err := s.Generate(ctx, req)
		require.ErrorIs(t, err, gone)
		_, err = s.Generate(ctx, req)
		require.ErrorIs(t, err, gone)
	})
}

func TestConcurrency(t *testing.T) {
	t.Parallel()
	everyProvider(t, func(t *testing.T, provider string) {
		hold := make(chan struct{})
		s := open(t, provider, func(n int, _ testsite.ModelRequest) testsite.Turn {
			return testsite.Turn{Text: "yes", Hold: hold}
		}, func(c *Config) { c.Concurrent = 2 })
		var calls sync.WaitGroup
		for range 6 {
			calls.Go(func() {
				_, err := s.Generate(t.Context(), ask("?"))
				if err != nil {
					t.Error(err)
				}
			})
		}
		require.Eventually(t, func() bool { return len(s.Requests()) == 2 }, 10*time.Second, time.Millisecond)
		require.Never(t, func() bool { return len(s.Requests()) > 2 }, 50*time.Millisecond, 10*time.Millisecond)
		close(hold)
		calls.Wait()
		require.Len(t, s.Requests(), 6)
	})
}

func TestEmptyAndFiltered(t *testing.T) {
	t.Parallel()
	everyProvider(t, func(t *testing.T, provider string) {
		filtered := map[string]string{OpenAI: "content_filter", Anthropic: "refusal", GoogleAI: "content_filter: RECITATION"}[provider]
		s := open(t, provider, testsite.Play(testsite.Turn{}, testsite.Turn{Text: "I", Stop: filtered}))
		r, err := s.Generate(t.Context(), ask("?"))
		require.NoError(t, err)
		require.Empty(t, r.Text)
		require.Equal(t, StopEnd, r.Stop)
		r, err = s.Generate(t.Context(), ask("?"))
		require.NoError(t, err)
		require.Equal(t, StopFiltered, r.Stop)
	})
}

func TestStreaming(t *testing.T) {
	t.Parallel()
	for _, provider := range []string{OpenAI, Anthropic, GoogleAI} {
		t.Run(provider, func(t *testing.T) {
			t.Parallel()
			unfinished := map[string]string{OpenAI: "none", GoogleAI: "none"}
			text := "The tide turns at six, and again at noon. 🌊"
			s := open(t, provider, testsite.Play(
				testsite.Turn{Text: text},
				testsite.Turn{Text: text, StreamFail: "overloaded"}, testsite.Turn{Text: text, Cut: true}, testsite.Turn{Text: text, NoEnd: true, Stop: unfinished[provider]}, testsite.Turn{Text: text},
			))
			var got strings.Builder
			var kinds []Kind
			req := ask("?")
			req.OnText = func(p string) { got.WriteString(p) }
			req.OnRetry = func(_ context.Context, r Retry) error {
				kinds = append(kinds, r.Problem.Kind)
				got.Reset()
				return nil
			}
			r, err := s.Generate(t.Context(), req)
			require.NoError(t, err)
			require.Equal(t, text, r.Text)
			require.Equal(t, text, got.String())
			require.Positive(t, r.Usage.Output)

			got.Reset()
			r, err = s.Generate(t.Context(), req)
			require.NoError(t, err)
			require.Equal(t, text, r.Text)
			require.Equal(t, text, got.String())
			require.Len(t, kinds, 3, "a stream that ends badly is no success: %v", kinds)
			require.Equal(t, CutOff, kinds[1])
			require.Equal(t, CutOff, kinds[2])
		})
	}
}

// TestToolTurnsAreNotStreamed checks that requests with tools are not streamed, because langchaingo joins the pieces of
// parallel tool calls wrongly.
func TestToolTurnsAreNotStreamed(t *testing.T) {
	t.Parallel()
	s := open(t, OpenAI, testsite.Play(testsite.Turn{Calls: []testsite.ToolCall{{Name: "look_up", Arguments: "{}"}}}))
	req := ask("?")
	req.Tools, req.OnText = []Tool{lookup}, func(string) { t.Error("streamed") }
	r, err := s.Generate(t.Context(), req)
	require.NoError(t, err)
	require.Len(t, r.Calls, 1)
	require.NotContains(t, s.Requests()[0].Body, "stream")
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	_, err := Open(t.Context(), Config{Provider: "abacus"})
	require.ErrorContains(t, err, "abacus")
	l := testsite.OpenAI(t, nil)
	l.Demand("", "nomic-embed-text")
	_, err = Open(t.Context(), Config{Provider: OpenAI, BaseURL: l.BaseURL()})
	require.ErrorContains(t, err, "LLM_MODEL")
	for p, own := range providers {
		c, err := Open(t.Context(), Config{Provider: p, Key: "k"})
		require.NoError(t, err)
		require.Equal(t, own.model, c.Name())
		require.NoError(t, c.Close())
	}
}

func TestStorable(t *testing.T) {
	t.Parallel()
	r := Reply{Text: "a\x00b\xff", Stop: StopEnd, Calls: []Call{{Name: "x\x00", Arguments: "{\"a\":\"\x00\"}"}}}
	clean(&r)
	require.Equal(t, Reply{Text: "ab\uFFFD", Stop: StopCalls, Calls: []Call{{Name: "x", Arguments: `{"a":""}`}}}, r)
	require.Equal(t, Usage{Input: 2, Output: 3, Estimated: true}, estimate(ask("four"), r))
}

// TestGoogle checks the ways in which the Gemini API differs from OpenAI.
func TestGoogle(t *testing.T) {
	t.Parallel()
	history := Request{Tools: []Tool{lookup}, Messages: []Message{
		{Role: User, Text: "What are a and b?"},
		{Role: Assistant, Calls: []Call{{ID: "c1", Name: "look_up", Arguments: `{"word":"a"}`}, {ID: "c2", Name: "look_up", Arguments: `{"word":"b"}`}}},
		{Role: ToolRole, CallID: "c1", Tool: "look_up", Text: "first letter"}, {Role: ToolRole, CallID: "c2", Tool: "look_up", Text: " "},
	}}
	for model, signed := range map[string]int{"gemini-3-flash-preview": 1, "gemini-3.5-pro": 1, "gemini-flash-latest": 1, "gemini-2.5-flash": 0, "gemma-3": 0} {
		s := open(t, GoogleAI, testsite.Play(testsite.Turn{Text: "Done.", In: 50, Out: 20, Thoughts: 15}), func(c *Config) { c.Model = model })
		r, err := s.Generate(t.Context(), history)
		require.NoError(t, err, model)
		require.Equal(t, Usage{Input: 50, Output: 20}, r.Usage, "thoughts are billed as output")
		require.Equal(t, signed, strings.Count(s.Requests()[0].Raw, noSignature), model)
	}
	s := open(t, GoogleAI, testsite.Play(testsite.Turn{Status: 400, Code: "INVALID_ARGUMENT", Error: "API key not valid. Please pass a valid API key."}))
	_, err := s.Generate(t.Context(), ask("?"))
	require.Equal(t, BadKey, kind(t, err))
	require.ErrorContains(t, err, "HTTP 400: API key not valid. Please pass a valid API key.")
	for base, want := range map[string]string{"http://a": "http://a/v1beta/openai", "http://a/v1beta/": "http://a/v1beta/openai",
		"http://a/v1beta/openai/": "http://a/v1beta/openai", "http://a/v1/projects/p/endpoints/openai": "http://a/v1/projects/p/endpoints/openai"} {
		require.Equal(t, want, googleBase(base))
	}
}
