// Package commands has what the packages of commands share: the files and the environment of the process, and its configuration.
package commands

import (
	"io"
	"log/slog"
	"os"

	"legwork/internal/config"
)

// Exit statuses besides 0 (success) and 1 (any other error).
const (
	ExitFailed    = 2 // the task failed, or doctor found a problem
	ExitCancelled = 3 // the task was cancelled
)

// Env has what a command needs of the process that runs it.
type Env struct {
	Environ     []string // NAME=value
	In          io.Reader
	Out, ErrOut io.Writer
	Version     string
	// Load reads the configuration and creates the logger. A quiet command, whose output is for people, logs only warnings and
	// errors to the console. The command calls closeLog at its end.
	Load func(quiet bool) (cfg config.Config, log *slog.Logger, closeLog func(), err error)
}

// Terminal reports whether file is a terminal that shows colours.
func Terminal(file any) bool {
	f, ok := file.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}
