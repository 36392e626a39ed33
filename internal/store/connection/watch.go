package connection

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"legwork/internal/research"
)

// watch pings the server every pingEvery on a connection of its own, until ctx ends. When the server is silent, watch closes all
// connections, so that statements that wait for it fail at once. Their callers wait or try again.
func (d *Database) watch(ctx context.Context, conn *pgx.Conn) {
	defer close(d.watched)
	tick := time.NewTicker(pingEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			end(conn)
			return
		case <-d.refused:
			// Sessions keep the read-only state that they began with (default_transaction_read_only). New ones ask again.
			end(conn)
			conn = nil
			d.pool.Reset()
			select { // not more often than the server is pinged
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		case <-tick.C:
		}
		conn = d.ping(ctx, conn)
	}
}

// ping pings the server, on a new connection if conn is nil. It returns the connection for the next ping, or nil.
func (d *Database) ping(ctx context.Context, conn *pgx.Conn) *pgx.Conn {
	began := time.Now()
	limited, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	var readOnly bool
	var err error
	if conn == nil {
		conn, err = d.Connect(limited, "legwork ping")
	}
	if err == nil {
		readOnly, err = isReadOnly(limited, conn)
	}
	if err == nil {
		if d.readOnly.Swap(readOnly) != readOnly {
			d.cfg.Logger.WarnContext(ctx, "the database server has changed", "readOnly", readOnly)
		}
		return conn
	}
	end(conn)
	if ctx.Err() != nil || !isSilence(err) {
		return nil
	}
	if time.Since(began) > silence+pingEvery {
		return nil // this process was paused, so nothing is known about the server
	}
	if n := d.sockets.closeOlder(began); n > 0 {
		d.cfg.Logger.WarnContext(ctx, "the database server is silent; its connections were closed", "connections", n, "silence", silence,
			"error", fmt.Errorf("%w: %w", research.ErrUnavailable, err))
	}
	return nil
}

// isReadOnly reports whether transactions of a session cannot write: on a standby, or with default_transaction_read_only.
func isReadOnly(ctx context.Context, conn *pgx.Conn) (bool, error) {
	var state string
	err := conn.QueryRow(ctx, "SHOW transaction_read_only", pgx.QueryExecModeSimpleProtocol).Scan(&state)
	return state == "on", err
}

// isSilence reports whether err means that no server has answered. An error that a server sent is an answer.
func isSilence(err error) bool {
	var answer *pgconn.PgError
	var standby *pgconn.NotPreferredError
	if errors.As(err, &answer) || errors.As(err, &standby) {
		return false
	}
	return isTimeout(err)
}

// end closes a connection without waiting for the server.
func end(conn *pgx.Conn) {
	if conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	_ = conn.Close(ctx)
}
