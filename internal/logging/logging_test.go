package logging

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"legwork/internal/config"
)

// open makes a logger from environment variables and calls use with it. It returns what was written to the console and to the file.
func open(t *testing.T, use func(*slog.Logger), environ ...string) (console, file string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "new", "folder", "legwork.log")
	cfg, err := config.Load(append(environ, "LOG_FILE="+path), "")
	require.NoError(t, err)
	var out bytes.Buffer
	logger, err := New(cfg, &out)
	require.NoError(t, err)
	use(logger.Logger)
	require.NoError(t, logger.Close())
	text, err := os.ReadFile(path)
	if !os.IsNotExist(err) {
		require.NoError(t, err)
	}
	return out.String(), string(text)
}

func hello(l *slog.Logger) { l.Info("hello", "task", 7) }

func TestTargets(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]struct{ console, file bool }{
		"console": {console: true},
		"file":    {file: true},
		"both":    {console: true, file: true},
	} {
		t.Run(target, func(t *testing.T) {
			t.Parallel()
			console, file := open(t, hello, "LOG_TARGET="+target)
			require.Equal(t, want.console, strings.Contains(console, "msg=hello task=7 component=logging"), console)
			require.Equal(t, want.file, strings.Contains(file, "msg=hello task=7 component=logging"), file)
		})
	}
}

func TestFormats(t *testing.T) {
	t.Parallel()
	console, file := open(t, hello, "LOG_TARGET=both", "LOG_FORMAT=json")
	for _, text := range []string{console, file} {
		var line struct {
			Msg  string
			Task int
		}
		require.NoError(t, json.Unmarshal([]byte(text), &line))
		require.Equal(t, "hello", line.Msg)
		require.Equal(t, 7, line.Task)
	}
}

func TestLevels(t *testing.T) {
	t.Parallel()
	levels := []string{"debug", "info", "warn", "error"}
	for i, level := range levels {
		t.Run(level, func(t *testing.T) {
			t.Parallel()
			console, file := open(t, func(l *slog.Logger) {
				l.Debug("line debug")
				l.Info("line info")
				l.Warn("line warn")
				l.Error("line error")
			}, "LOG_LEVEL="+level, "LOG_TARGET=both")
			for j, other := range levels {
				require.Equal(t, j >= i, strings.Contains(console, "line "+other))
				require.Equal(t, j >= i, strings.Contains(file, "line "+other))
			}
		})
	}
}

func TestFileIsAppendedTo(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "legwork.log")
	require.NoError(t, os.WriteFile(path, []byte("before\n"), 0o600))
	cfg, err := config.Load([]string{"LOG_TARGET=file", "LOG_FILE=" + path}, "")
	require.NoError(t, err)
	logger, err := New(cfg, &bytes.Buffer{})
	require.NoError(t, err)
	hello(logger.Logger)
	require.NoError(t, logger.Close())
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(text), "before\n"))
	require.Contains(t, string(text), "hello")
}

func TestFileIsRotated(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "legwork.log")
	cfg, err := config.Load([]string{"LOG_TARGET=file", "LOG_FILE=" + path}, "")
	require.NoError(t, err)
	logger, err := New(cfg, &bytes.Buffer{})
	require.NoError(t, err)
	long := strings.Repeat("x", 1<<20)
	for range fileMegabytes + 1 {
		logger.Info(long)
	}
	require.NoError(t, logger.Close())
	files, err := filepath.Glob(filepath.Join(filepath.Dir(path), "legwork*.log"))
	require.NoError(t, err)
	require.Len(t, files, 2)
}

func TestUnusableFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	occupied := filepath.Join(dir, "occupied")
	require.NoError(t, os.WriteFile(occupied, nil, 0o600))
	for name, path := range map[string]string{
		"a folder":            dir,
		"inside a file":       filepath.Join(occupied, "legwork.log"),
		"not a regular file":  os.DevNull,
		"a name that is long": filepath.Join(dir, strings.Repeat("x", 300)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, err := config.Load([]string{"LOG_TARGET=file", "LOG_FILE=" + path}, "")
			require.NoError(t, err)
			_, err = New(cfg, &bytes.Buffer{})
			require.ErrorContains(t, err, "choose another LOG_FILE")
		})
	}
}

func TestConfigurationIsMasked(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"text", "json"} {
		environ := []string{"LLM_API_KEY=hunter2", "DATABASE_URL=postgres://me:hunter2@db/x"}
		cfg, err := config.Load(environ, "")
		require.NoError(t, err)
		console, file := open(t, func(l *slog.Logger) { l.Info("start", "config", cfg, "raw", &cfg) }, "LOG_TARGET=both", "LOG_FORMAT="+format)
		require.NotContains(t, console+file, "hunter2")
		require.Contains(t, console, "API_PORT")
		require.Contains(t, file, "API_PORT")
	}
}
