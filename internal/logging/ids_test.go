package logging

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"legwork/internal/config"
	"legwork/internal/tracing"
)

// TestIDs checks that a line has its component and the ids of its context, in both formats, and that what a line says itself is not repeated.
func TestIDs(t *testing.T) {
	t.Parallel()
	task := uuid.New()
	ctx := tracing.WithRun(t.Context(), task, 3, tracing.Origin{Request: "r-1", Trace: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"})
	console, _ := open(t, func(l *slog.Logger) {
		l.InfoContext(ctx, "hello", "n", 1)
		l.InfoContext(ctx, "other task", "task_id", "x")
		l.InfoContext(tracing.WithRequest(t.Context(), "r-2"), "request")
		l.Info("nothing")
	}, "LOG_FORMAT=json")
	var lines []map[string]any
	for line := range bytes.Lines([]byte(console)) {
		var m map[string]any
		require.NoError(t, json.Unmarshal(line, &m))
		lines = append(lines, m)
	}
	require.Equal(t, []string{"component", "level", "msg", "n", "request_id", "run", "task_id", "time", "trace_id"}, slices.Sorted(maps.Keys(lines[0])))
	require.Equal(t, "logging", lines[0]["component"])
	require.Equal(t, task.String(), lines[0]["task_id"])
	require.InDelta(t, 3, lines[0]["run"], 0)
	require.Equal(t, "4bf92f3577b34da6a3ce929d0e0e4736", lines[0]["trace_id"])
	require.Equal(t, "x", lines[1]["task_id"])
	require.Equal(t, "r-2", lines[2]["request_id"])
	require.NotContains(t, lines[2], "task_id")
	require.NotContains(t, lines[3], "request_id")
}

// TestLevelAtRunTime checks that the level of all loggers of a process can be changed, and that lines are counted.
func TestLevelAtRunTime(t *testing.T) {
	t.Parallel()
	cfg, err := config.Load(nil, "")
	require.NoError(t, err)
	var out bytes.Buffer
	l, err := New(cfg, &out)
	require.NoError(t, err)
	counted := map[string]int{}
	l.Count(func(level string) { counted[level]++ })
	part := l.With("part", 1)
	part.Debug("first line")
	l.SetLevel(slog.LevelDebug)
	require.Equal(t, slog.LevelDebug, l.Level())
	part.Debug("two")
	l.SetLevel(slog.LevelError)
	part.Warn("three")
	part.Error("four")
	require.NoError(t, l.Close())
	require.NotContains(t, out.String(), "first line")
	require.Contains(t, out.String(), "two")
	require.NotContains(t, out.String(), "three")
	require.Contains(t, out.String(), "four")
	require.Equal(t, map[string]int{"debug": 1, "error": 1}, counted)
}
