// Package logging creates the logger of a process from its configuration. There is no global logger: this one is
// passed to each part of the program.
//
// Every line has time, level, component (the package that logs) and msg. A line about a request or a task also has the ids that its
// context carries (internal/tracing): request_id, trace_id, task_id and run.
//
// Invariants: if the log file cannot be written, the program does not start, so that no lines are lost silently.
// Secret configuration values mask themselves (internal/config). Tokens in the query of a URL are masked here,
// because the URLs of pages come from many places in the program.
package logging

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"

	"gopkg.in/natefinch/lumberjack.v2"

	"legwork/internal/config"
	"legwork/internal/terminaltext"
)

// Bounds of the log files: together at most 60 MB.
const (
	fileMegabytes = 10 // size at which the file is rotated
	fileBackups   = 5  // number of rotated files that are kept
)

// Log is the logger of a process. Its level can be changed while the process runs.
type Log struct {
	*slog.Logger
	level      slog.LevelVar
	configured slog.Level
	lines      atomic.Pointer[func(level string)]
	close      func() error
}

// Level returns the least severity that is logged.
func (l *Log) Level() slog.Level { return l.level.Level() }

// SetLevel changes the least severity that is logged.
func (l *Log) SetLevel(level slog.Level) { l.level.Set(level) }

// Count makes the log call f for every line that it writes. f must not log.
func (l *Log) Count(f func(level string)) { l.lines.Store(&f) }

// Close writes what is held back (see outageHandler) and closes the log file. Call it at the end of the process.
func (l *Log) Close() error { return l.close() }

// New creates the logger that cfg describes. Console lines are written to console, normally standard error.
func New(cfg config.Config, console io.Writer) (*Log, error) {
	console = terminaltext.JSON(console) // the handler for text escapes such characters itself; the one for JSON only some
	l := &Log{configured: cfg.LogLevel}
	l.level.Set(cfg.LogLevel)
	options := &slog.HandlerOptions{Level: &l.level, ReplaceAttr: withoutTokens}
	h, closeFile := handler(cfg.LogFormat, console, options), func() error { return nil }
	if cfg.LogTarget != config.LogConsole {
		file, err := openFile(cfg.LogFile)
		if err != nil {
			return nil, fmt.Errorf("LOG_FILE: cannot write the log: %w; choose another LOG_FILE, or LOG_TARGET=console", err)
		}
		closeFile = file.Close
		if cfg.LogTarget == config.LogBoth {
			h = slog.NewMultiHandler(h, handler(cfg.LogFormat, file, options))
		} else {
			h = handler(cfg.LogFormat, file, options)
		}
	}
	quiet := withoutRepetition(withIDs{Handler: h, lines: &l.lines}, outageEvery)
	l.Logger = slog.New(quiet)
	l.close = func() error { quiet.state.close(); return closeFile() }
	return l, nil
}

func handler(format config.LogFormat, w io.Writer, options *slog.HandlerOptions) slog.Handler {
	if format == config.LogJSON {
		return slog.NewJSONHandler(w, options)
	}
	return slog.NewTextHandler(w, options)
}

// openFile checks that path can be appended to, and returns a rotating writer. The check is needed because the writer opens the file only
// at the first line, and slog ignores write errors.
func openFile(path string) (io.WriteCloser, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, err
	}
	probe, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, err
	}
	if info, err := probe.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(fmt.Errorf("%s is not a regular file, and only those can be rotated", path), err, probe.Close())
	}
	if err := probe.Close(); err != nil {
		return nil, err
	}
	return &lumberjack.Logger{Filename: path, MaxSize: fileMegabytes, MaxBackups: fileBackups}, nil
}
