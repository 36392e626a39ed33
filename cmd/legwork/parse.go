package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"

	"github.com/urfave/cli/v3"

	"legwork/internal/config"
	"legwork/internal/page/parser"
)

// parseName is the name of the hidden command that a parser process runs.
const parseName = "parse"

// parseCommand returns the command that parser processes run. Workers start it; users do not.
func (p *program) parseCommand() *cli.Command {
	return &cli.Command{
		Name: parseName, Usage: "read documents from standard input; started by the other commands", Hidden: true,
		Action: func(ctx context.Context, _ *cli.Command) error { return parser.Serve(ctx, p.in, p.out) },
	}
}

// newParsers returns the pool of parser processes, which read the fetched documents. They run this program.
func newParsers(cfg config.Config, log *slog.Logger) (*parser.Pool, error) {
	self, err := thisProgram()
	if err != nil {
		return nil, err
	}
	return parser.NewPool(parser.Config{Command: []string{self, parseName}, CacheDir: filepath.Join(cfg.Home, "cache", "wasm"), Logger: log})
}

// thisProgram returns a path for starting this program again. On Linux the path leads to the version that runs in
// this process, even if the file on the disk was replaced.
func thisProgram() (string, error) {
	if runtime.GOOS == "linux" {
		if _, err := os.Stat("/proc/self/exe"); err == nil {
			return "/proc/self/exe", nil
		}
	}
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find this program's own file, to start parser processes: %w", err)
	}
	return self, nil
}
