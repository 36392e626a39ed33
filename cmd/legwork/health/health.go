// Package health has the command by which containers and supervisors learn whether the legwork process beside it works.
//
// Invariants: the command changes nothing, neither the database nor a file; it starts no embedded PostgreSQL; it ends within
// Timeout and a second.
package health

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"syscall"
	"time"

	"github.com/urfave/cli/v3"

	"legwork/internal/config"
	"legwork/internal/store"
)

// Timeout bounds one check. The API answers its own check of the database within two seconds.
const Timeout = 8 * time.Second

// Program has what the command needs of the program.
type Program struct {
	Out  io.Writer
	Load func() (config.Config, error)
}

// Command returns the command health.
func (p *Program) Command() *cli.Command {
	return &cli.Command{
		Name:  "health",
		Usage: "tell whether the legwork process on this machine, or in this container, is ready; the exit status is 0 if it is",
		Flags: []cli.Flag{&cli.StringFlag{Name: "role", Usage: "api or worker; without it the API if one listens here, otherwise the worker"}},
		Action: func(ctx context.Context, c *cli.Command) error {
			cfg, err := p.Load()
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(ctx, Timeout)
			defer cancel()
			text, err := check(ctx, cfg, c.String("role"))
			if err != nil {
				return err
			}
			fmt.Fprintln(p.Out, text)
			return nil
		},
	}
}

// check returns a sentence if the process is ready, and an error otherwise.
func check(ctx context.Context, cfg config.Config, role string) (string, error) {
	switch role {
	case "api":
		return api(ctx, cfg)
	case "worker":
		return worker(ctx, cfg)
	case "":
	default:
		return "", fmt.Errorf("--role %q: choose api or worker", role)
	}
	text, err := api(ctx, cfg)
	if !errors.Is(err, syscall.ECONNREFUSED) || cfg.DatabaseURL == "" {
		return text, err
	}
	return worker(ctx, cfg)
}

// api asks the API of this machine whether it is ready.
func api(ctx context.Context, cfg config.Config) (string, error) {
	if cfg.APIPort == 0 {
		return "", errors.New("API_PORT=0 is a port that only the log names; set API_PORT to check the API")
	}
	url := cfg.LocalURL() + "/health/ready"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return "", err
	}
	// The certificate is for the server's public names, and this request goes to an address of this machine. It sends no secret.
	transport := &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{ServerName: serverName(cfg), InsecureSkipVerify: true}} //nolint:gosec // see above
	res, err := transport.RoundTrip(req)
	if err != nil {
		return "", fmt.Errorf("the API does not answer: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode == http.StatusOK {
		return "the API at " + cfg.LocalURL() + " is ready", nil
	}
	var told struct {
		Error string `json:"error"`
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, 64<<10)).Decode(&told); err != nil || told.Error == "" {
		return "", fmt.Errorf("%s answers %s; is it a legwork server?", url, res.Status)
	}
	return "", fmt.Errorf("the API is not ready: %s", told.Error)
}

// serverName returns a name for which the API has a certificate by ACME; without one, any name will do.
func serverName(cfg config.Config) string {
	if len(cfg.TLSACMEDomains) > 0 {
		return cfg.TLSACMEDomains[0]
	}
	return ""
}

// worker looks in the database for a worker of this machine with a valid lease. A worker renews its lease only while it works.
func worker(ctx context.Context, cfg config.Config) (string, error) {
	if cfg.DatabaseURL == "" {
		return "", errors.New("a worker is found by its lease in the database, and DATABASE_URL is not set")
	}
	host, err := os.Hostname()
	if err != nil {
		return "", err
	}
	st, err := store.Open(ctx, store.Config{URL: cfg.DatabaseURL.Reveal(), DirectURL: cfg.DatabaseDirectURL.Reveal(), PollOnly: bool(cfg.StreamPollOnly),
		MaxConns: 1, LeaseTTL: cfg.LeaseTTL, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return "", fmt.Errorf("the database does not answer: %w", err)
	}
	defer st.Close()
	workers, err := st.Worker().Workers(ctx)
	if err != nil {
		return "", fmt.Errorf("the database does not answer: %w", err)
	}
	for _, w := range workers {
		if w.Host == host {
			return fmt.Sprintf("the worker on %s holds its lease: %d of %d slots are in use", host, w.Running, w.Slots), nil
		}
	}
	return "", fmt.Errorf("no worker on %s has a valid lease (LEASE_TTL %s): it has not started yet, does not reach the database, or hangs; its log says which", host, cfg.LeaseTTL)
}
