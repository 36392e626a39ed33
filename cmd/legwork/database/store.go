package database

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"legwork/cmd/legwork/limits"
	"legwork/internal/config"
	"legwork/internal/store"
	"legwork/internal/store/schema"
)

// commandConns is the number of connections of the pool of a command that does not serve.
const commandConns = 4

// Store opens the database for a command, with its schema up to date. The caller must close it before it calls Stop.
func (d Database) Store(ctx context.Context, cfg config.Config, log *slog.Logger) (*store.Store, error) {
	return OpenStore(ctx, cfg, d.URL, commandConns, nil, log)
}

// OpenForCommand is Open and Store. The caller must call the returned function at the end.
func OpenForCommand(ctx context.Context, cfg config.Config, log *slog.Logger) (*store.Store, func(), error) {
	d, err := Open(ctx, cfg, log)
	if err != nil {
		return nil, nil, err
	}
	st, err := d.Store(ctx, cfg, log)
	if err != nil {
		d.Stop()
		return nil, nil, err
	}
	return st, func() { st.Close(); d.Stop() }, nil
}

// OpenStore brings the schema of the database at url up to date, and opens it with a number of connections. tracer may be nil.
func OpenStore(ctx context.Context, cfg config.Config, url string, conns int32, tracer pgx.QueryTracer, log *slog.Logger) (*store.Store, error) {
	if err := schema.Migrate(ctx, direct(cfg, url), log); err != nil {
		return nil, explain(err)
	}
	return store.Open(ctx, store.Config{URL: url, DirectURL: cfg.DatabaseDirectURL.Reveal(), ReplicaURL: cfg.DatabaseReplicaURL.Reveal(),
		PollOnly: bool(cfg.StreamPollOnly), MaxConns: conns, LeaseTTL: cfg.LeaseTTL, Limits: limits.Defaults(cfg), Tracer: tracer, Logger: log})
}

// direct returns the connection string of the database without a pooler, if one is configured.
func direct(cfg config.Config, url string) string {
	return cmp.Or(cfg.DatabaseDirectURL.Reveal(), url)
}

// pollOften is how often the hub compares the watched tasks with the table if no process can tell it of new events.
const pollOften = 250 * time.Millisecond

// PollEvery returns how often the hub polls; 0 means its default.
func PollEvery(st *store.Store) time.Duration {
	if st.PollOnly() {
		return pollOften
	}
	return 0
}

// SayPooler logs what a pooler between this process and the server changes.
func SayPooler(ctx context.Context, cfg config.Config, st *store.Store, log *slog.Logger) {
	pooler := st.Pooler()
	switch {
	case pooler != "" && st.PollOnly():
		log.WarnContext(ctx, "DATABASE_URL leads to "+pooler+", through which no notifications arrive: streams and queues poll; set DATABASE_DIRECT_URL to the server itself to avoid it")
	case pooler != "":
		log.InfoContext(ctx, "DATABASE_URL leads to "+pooler+"; notifications arrive through DATABASE_DIRECT_URL")
	case bool(cfg.StreamPollOnly):
		log.InfoContext(ctx, "STREAM_POLL_ONLY is on: streams and queues poll, and no connection listens to notifications")
	}
}
