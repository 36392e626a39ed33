package logging

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"legwork/internal/research"
)

// lockedBuffer is a buffer that several goroutines may use.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements io.Writer.
func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

// take returns what was written since the last call.
func (b *lockedBuffer) take() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.buf.Reset()
	return b.buf.String()
}

// TestOutageIsQuiet logs 1,200 lines of an outage in 42 s, among others, and checks which lines appear.
func TestOutageIsQuiet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out lockedBuffer
		h := withoutRepetition(slog.NewTextHandler(&out, nil), outageEvery)
		log := slog.New(h)
		away := fmt.Errorf("%w: the server is gone", research.ErrUnavailable)
		lines := func() []string {
			text := strings.TrimSpace(out.take())
			if text == "" {
				return nil
			}
			return strings.Split(text, "\n")
		}
		for i := range 600 { // in 42 s
			log.With("loop", 7).Warn("cannot look", "error", away, "n", i)
			log.Error("cannot work", "error", away)
			log.Warn("a page could not be read", "error", errors.New("dial tcp: i/o timeout"), "n", i)
			log.Info("a request")
			time.Sleep(70 * time.Millisecond)
		}
		synctest.Wait()
		var outage, others []string
		for _, line := range lines() {
			if strings.Contains(line, "cannot") {
				outage = append(outage, line)
			} else {
				others = append(others, line)
			}
		}
		require.Len(t, others, 1200, "lines about other things")
		require.Len(t, outage, 2, "one line at the beginning, and one after 30 s")
		require.NotContains(t, outage[0], "lines=")
		require.Contains(t, outage[0], "loop=7", "attributes of the logger")
		require.Contains(t, outage[1], "lines=857")
		time.Sleep(outageEvery)
		synctest.Wait()
		last := lines()
		require.Len(t, last, 1, "the rest of the outage")
		require.Contains(t, last[0], "lines=342")
		time.Sleep(2 * outageEvery)
		synctest.Wait()
		require.Empty(t, lines(), "nothing was held back any more")
		log.Warn("cannot look", "error", away)
		require.Len(t, lines(), 1, "a new outage is logged at once")
		log.Warn("cannot look", "error", away)
		require.Empty(t, lines())
		h.state.close()
		require.Len(t, lines(), 1, "the end of the process loses no line")
		log.Warn("cannot look", "error", away)
		require.Len(t, lines(), 1)
	})
}

func TestComponents(t *testing.T) {
	t.Parallel()
	pc, _, _, _ := runtime.Caller(0)
	require.Equal(t, "logging", componentOf(pc))
	require.Empty(t, componentOf(0))
}

func TestAboutOutage(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		component string
		attr      slog.Attr
		want      bool
	}{
		{"jobs", slog.Any("error", fmt.Errorf("x: %w", research.ErrUnavailable)), true},
		{"jobs", slog.Any("error", errors.New("FATAL: terminating connection (SQLSTATE 57P01)")), true},
		{"jobs", slog.Any("error", errors.New("ERROR: duplicate key (SQLSTATE 23505)")), false},
		{"page", slog.Any("error", fmt.Errorf("load: %w", context.DeadlineExceeded)), false},
		{"jobs", slog.String("path", "SQLSTATE 57P01"), false},
		{river, slog.String("err", "context deadline exceeded"), true},
		{river, slog.String("err", "unknown kind of job"), false},
	} {
		r := slog.NewRecord(time.Time{}, slog.LevelWarn, "m", 0)
		r.AddAttrs(tc.attr)
		require.Equal(t, tc.want, aboutOutage(r, tc.component), "%s %v", tc.component, tc.attr)
	}
}
