package llm

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"legwork/internal/testsite"
)

// TestStreamsAsTheyAre: some servers send streams in another form than OpenAI. They give the same reply, at the first
// attempt.
func TestStreamsAsTheyAre(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("“Ä” turns\n", 100_000) // 1.4 MB, more as JSON
	for name, turn := range map[string]testsite.Turn{
		"no [DONE] after the finish reason": {Text: "It is 40.", NoEnd: true},
		"no [DONE], and the stream is open": {Text: "It is 40.", Open: true},
		"whole, though a stream was asked":  {Text: "It is 40.", Whole: true},
		"a long text, whole":                {Text: long, Whole: true},
		"one event of 1.6 MB":               {Text: long, OneEvent: true},
		"reasoning beside the text":         {Text: "It is 40.", Reasoning: "Hm, 40 or 41?"},
		"reasoning, whole":                  {Text: "It is 40.", Reasoning: "Hm, 40 or 41?", Whole: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, OpenAI, testsite.Play(turn))
			var got strings.Builder
			r := ask("?")
			r.OnText = func(p string) { got.WriteString(p) }
			reply, err := s.Generate(t.Context(), r)
			require.NoError(t, err)
			require.True(t, turn.Text == reply.Text, "%d bytes instead of %d", len(reply.Text), len(turn.Text))
			require.True(t, turn.Text == got.String())
			require.Equal(t, StopEnd, reply.Stop)
			require.Len(t, s.Requests(), 1)
		})
	}
}

// TestTooLongLine: a stream with a line longer than maxLongLine gives an error, not a reply.
func TestTooLongLine(t *testing.T) {
	t.Parallel()
	s := open(t, OpenAI, testsite.Play(testsite.Turn{Text: strings.Repeat("x", maxLongLine+1), OneEvent: true}), func(c *Config) { c.Tries = 1 })
	r := ask("?")
	r.OnText = func(string) {}
	_, err := s.Generate(t.Context(), r)
	require.Equal(t, CutOff, kind(t, err))
}

// TestFieldsAreAdapted: if the server refuses a field by name, the field is left out or renamed. The server has to
// refuse it only once; all later calls have the new form.
func TestFieldsAreAdapted(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		refused, sent []string
		requests      int
	}{
		"max_tokens":     {[]string{"max_tokens"}, []string{"max_completion_tokens"}, 3},
		"temperature":    {[]string{"temperature"}, []string{"max_tokens"}, 3},
		"several":        {[]string{"temperature", "max_tokens"}, []string{"max_completion_tokens"}, 4},
		"no limit taken": {[]string{"max_tokens", "max_completion_tokens"}, nil, 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, OpenAI, func(int, testsite.ModelRequest) testsite.Turn { return testsite.Turn{Text: "Yes."} })
			s.RefuseFields(tc.refused...)
			for range 2 {
				reply, err := s.Generate(t.Context(), ask("?"))
				require.NoError(t, err)
				require.Equal(t, "Yes.", reply.Text)
			}
			requests := s.Requests()
			require.Len(t, requests, tc.requests, "the second call is right at once")
			last := requests[len(requests)-1].Body
			for _, f := range tc.sent {
				require.Contains(t, last, f)
			}
			for _, f := range tc.refused {
				require.NotContains(t, last, f)
			}
		})
	}
	s := open(t, OpenAI, testsite.Play(testsite.Turn{Status: http.StatusBadRequest, Error: "messages: unsupported role"}))
	_, err := s.Generate(t.Context(), ask("?"))
	require.Equal(t, BadRequest, kind(t, err))
	require.Len(t, s.Requests(), 1)
}

// TestOldCalls: a tool call in the older form function_call is understood.
func TestOldCalls(t *testing.T) {
	t.Parallel()
	s := open(t, OpenAI, testsite.Play(testsite.Turn{OldCall: true, Calls: []testsite.ToolCall{{Name: "look_up", Arguments: `{"word":"a"}`}}}))
	r := ask("?")
	r.Tools = []Tool{lookup}
	reply, err := s.Generate(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, []Call{{Name: "look_up", Arguments: `{"word":"a"}`}}, reply.Calls)
	require.Equal(t, StopCalls, reply.Stop)
}

// TestLongWaits: a server may ask for a wait that is longer than usual. The client waits if the call's deadline allows
// it.
func TestLongWaits(t *testing.T) {
	t.Parallel()
	s := open(t, OpenAI, func(int, testsite.ModelRequest) testsite.Turn {
		return testsite.Turn{Status: http.StatusTooManyRequests, RetryAfter: "90", Error: "slow down"}
	})
	_, err := s.Generate(t.Context(), ask("?"))
	require.Equal(t, Busy, kind(t, err), "without a deadline a minute is the limit")
	for limit, waits := range map[time.Duration]bool{time.Hour: true, 80 * time.Second: false} {
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		r := ask("?")
		waited := false
		r.OnRetry = func(_ context.Context, retry Retry) error {
			waited = true
			require.GreaterOrEqual(t, retry.Wait, 90*time.Second)
			return context.Canceled
		}
		_, err = s.Generate(ctx, r)
		require.Error(t, err)
		require.Equal(t, waits, waited, limit)
		cancel()
	}
}

// TestStalledStream: a stream that stops in the middle is given up long before LLM_IDLE_TIMEOUT, and the call is repeated.
func TestStalledStream(t *testing.T) {
	t.Parallel()
	for _, provider := range []string{OpenAI, Anthropic} {
		s := open(t, provider, testsite.Play(testsite.Turn{Text: "It is forty litres.", Halfway: make(chan struct{})}, testsite.Turn{Text: "It is 40."}),
			func(c *Config) { c.Idle, c.Stall = 10*time.Minute, 50*time.Millisecond })
		r := ask("?")
		r.OnText = func(string) {}
		reply, err := s.Generate(t.Context(), r)
		require.NoError(t, err)
		require.Equal(t, "It is 40.", reply.Text)
		require.Len(t, s.Requests(), 2)
	}
}

// TestEnough: the caller can end a streamed reply. It gets the text so far, and the connection is closed.
func TestEnough(t *testing.T) {
	t.Parallel()
	for _, provider := range []string{OpenAI, Anthropic} {
		s := open(t, provider, testsite.Play(testsite.Turn{Text: strings.Repeat("again ", 100), Halfway: make(chan struct{})}))
		r := ask("?")
		got := ""
		r.OnText = func(p string) { got += p }
		r.Enough = func(text string) bool { return strings.Count(text, "again") >= 4 }
		reply, err := s.Generate(t.Context(), r)
		require.NoError(t, err)
		require.Equal(t, StopEnough, reply.Stop)
		require.Equal(t, got, reply.Text)
		require.Less(t, len(got), 40)
		require.True(t, reply.Usage.Estimated)
	}
}
