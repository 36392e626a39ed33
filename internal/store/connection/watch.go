package connection

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"legwork/internal/research"
)

// pingName is the application_name of the connection for pings.
const pingName = "legwork ping"

// watch pings the server every pingEvery on a connection of its own, until ctx ends. When the server is silent, watch closes all
// connections, so that statements that wait for it fail at once. Their callers wait or try again. It also finds out when a server
// whose disk was full has room again.
func (d *Database) watch(ctx context.Context, conn *pgx.Conn) {
	defer close(d.watched)
	var checks sync.WaitGroup
	defer checks.Wait()
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
		if d.room.due() {
			checks.Go(func() { d.checkRoom(ctx) })
		}
	}
}

// ping pings the server, on a new connection if conn is nil. It returns the connection for the next ping, or nil.
func (d *Database) ping(ctx context.Context, conn *pgx.Conn) *pgx.Conn {
	began := time.Now()
	limited, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	var readOnly, noRoom bool
	var err error
	if conn == nil {
		conn, err = d.Connect(limited, pingName)
	}
	if err == nil {
		err = d.announce(limited, conn)
	}
	if err == nil {
		readOnly, noRoom, err = state(limited, conn)
	}
	if err == nil {
		if d.readOnly.Swap(readOnly) != readOnly {
			d.cfg.Logger.WarnContext(ctx, "the database server has changed", "readOnly", readOnly)
		}
		d.room.hear(noRoom)
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

// announce lets other processes see whether this one was refused a write because the server's disk is full.
func (d *Database) announce(ctx context.Context, conn *pgx.Conn) error {
	name := pingName
	if d.room.full() {
		name = noRoomName
	}
	if conn.PgConn().ParameterStatus("application_name") == name {
		return nil
	}
	_, err := conn.Exec(ctx, "SET application_name = '"+name+"'", pgx.QueryExecModeSimpleProtocol)
	return err
}

// state reports whether transactions of a session cannot write, on a standby or with default_transaction_read_only, and whether a
// process announces that the disk is full.
func state(ctx context.Context, conn *pgx.Conn) (readOnly, noRoom bool, err error) {
	err = conn.QueryRow(ctx, "SELECT current_setting('transaction_read_only') = 'on', EXISTS (SELECT FROM pg_stat_activity "+
		"WHERE application_name = '"+noRoomName+"' AND datname = current_database())", pgx.QueryExecModeSimpleProtocol).Scan(&readOnly, &noRoom)
	return readOnly, noRoom, err
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
