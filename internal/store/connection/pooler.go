package connection

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// sessionParams are the startup parameters that PgBouncer refuses, unless its ignore_startup_parameters names them.
var sessionParams = []string{"statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"}

// look opens the first connection, and finds out whether a pooler is between this process and the server. If so, it changes
// cfg so that no connection needs what poolers in transaction mode cannot do: session parameters, and prepared statements
// with names, because the next statement may run in another session.
func (d *Database) look(ctx context.Context, cfg *pgx.ConnConfig) (*pgx.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, cfg)
	refused := refusesParameters(err)
	if refused {
		forPooler(cfg, d.cfg)
		conn, err = pgx.ConnectConfig(ctx, cfg)
	}
	if err != nil {
		return nil, err
	}
	pooled := refused
	if !pooled {
		// A pooler invents the process id that it tells a client, because a client has no process of its own.
		var pid uint32
		if err := conn.QueryRow(ctx, "SELECT pg_backend_pid()", pgx.QueryExecModeSimpleProtocol).Scan(&pid); err != nil {
			return nil, errors.Join(err, conn.Close(ctx))
		}
		pooled = pid != conn.PgConn().PID()
	}
	named := Named(cfg.Host)
	if !pooled && named == "" {
		return conn, nil
	}
	d.pooler = named
	if named == "" {
		d.pooler = "a pooler such as PgBouncer"
	}
	if !refused { // the session of conn may have more than later ones will
		_ = conn.Close(ctx)
		forPooler(cfg, d.cfg)
		return pgx.ConnectConfig(ctx, cfg)
	}
	return conn, nil
}

// forPooler removes from cfg what poolers cannot do.
func forPooler(cfg *pgx.ConnConfig, settings Config) {
	for _, name := range sessionParams {
		delete(cfg.RuntimeParams, name)
	}
	if settings.StatementTimeout > 0 { // the server has no such timeout now, so this process must end statements in time
		cfg.Tracer = deadlines{limit: settings.StatementTimeout}
	}
	// PgBouncer from 1.21 on, with max_prepared_statements, can do prepared statements. Then the URL may say so.
	if !strings.Contains(settings.URL, "default_query_exec_mode") {
		cfg.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	}
}

// refusesParameters reports whether err is PgBouncer's "unsupported startup parameter".
func refusesParameters(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "08P01" && strings.Contains(pg.Message, "startup parameter")
}

// Named returns the name of the pooler of a hosting service, by its host name, or nothing if the host is not known as one.
func Named(host string) string {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	first, _, _ := strings.Cut(host, ".")
	switch {
	case strings.HasSuffix(host, ".pooler.supabase.com"):
		return "Supabase's pooler (Supavisor)"
	case strings.HasSuffix(host, ".neon.tech") && strings.HasSuffix(first, "-pooler"):
		return "Neon's pooler (PgBouncer)"
	}
	return ""
}
