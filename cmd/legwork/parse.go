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

// parseName is the hidden command that a parser process is started with.
const parseName = "parse"

// parseCommand is what a parser process does. People have no use for it.
func (p *program) parseCommand() *cli.Command {
	return &cli.Command{
		Name: parseName, Usage: "read documents from standard input; started by the other commands", Hidden: true,
		Action: func(ctx context.Context, _ *cli.Command) error { return parser.Serve(ctx, p.in, p.out) },
	}
}

// newParsers returns the processes that read what was fetched. They run this very program.
func newParsers(cfg config.Config, log *slog.Logger) (*parser.Pool, error) {
	self, err := thisProgram()
	if err != nil {
		return nil, err
	}
	return parser.NewPool(parser.Config{Command: []string{self, parseName}, CacheDir: filepath.Join(cfg.Home, "cache", "wasm"), Logger: log})
}

// thisProgram is the path that starts the program once more. On Linux it leads to the file that runs here, even when a new
// version has taken its place on the disk.
func thisProgram() (string, error) {
	if runtime.GOOS == "linux" {
		if _, err := os.Stat("/proc/self/exe"); err == nil {
			return "/proc/self/exe", nil
		}
	}
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find this program's own file, to read documents in processes of their own: %w", err)
	}
	return self, nil
}
