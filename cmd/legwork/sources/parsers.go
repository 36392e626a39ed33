package sources

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"

	"legwork/internal/config"
	"legwork/internal/page"
	"legwork/internal/page/parser"
	"legwork/internal/store"
)

// ParseCommand is the name of the hidden command that a parser process runs.
const ParseCommand = "parse"

// NewParsers returns the pool of parser processes, which read the fetched documents. They run this program.
func NewParsers(cfg config.Config, log *slog.Logger) (*parser.Pool, error) {
	self, err := thisProgram()
	if err != nil {
		return nil, err
	}
	return parser.NewPool(parser.Config{Command: []string{self, ParseCommand}, CacheDir: filepath.Join(cfg.Home, "cache", "wasm"), Logger: log})
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

// NewFetcher returns the fetcher that reads pages over HTTP, as configured.
func NewFetcher(cfg config.Config, version string, st *store.Store, reader page.Reader, log *slog.Logger) *page.Fetcher {
	return page.NewFetcher(page.Config{
		UserAgent: cfg.UserAgent(version), AllowNets: cfg.FetchAllowNets, MaxBytes: int64(cfg.FetchMaxBytes),
		Timeout: cfg.FetchTimeout, Logger: log, Reader: reader, Confine: Confine(),
		Spacing: page.Spacing{Min: cfg.RequestDelayMin, Max: cfg.RequestDelayMax, Requests: cfg.RateLimitRequests, Window: cfg.RateLimitWindow},
	}, Gate{st})
}
