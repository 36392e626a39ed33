package connection

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// noRoom is the SQLSTATE of a write that the server refused because its disk is full.
const noRoom = "53100"

// Times of the check whether the server has room again.
const (
	roomPause = 3 * time.Second  // between two checks
	roomDoubt = 30 * time.Second // after a refusal, if no check is possible
)

// ErrNoRoom means that the disk of the server is full. What is stored can be read.
var ErrNoRoom = errors.New("the disk of the database is full: what is stored can be read, and nothing can be stored; make room there")

// room remembers that the server refused a write because its disk is full. Reads succeed on a full disk, so a health check that
// only reads would not notice it.
type room struct {
	mu      sync.Mutex
	refused time.Time // of the last refusal; zero when there was none, or room since
	checked time.Time
}

// note notes a refusal.
func (r *room) note() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refused = time.Now()
}

// due reports whether a write was refused, and whether it is time to check again.
func (r *room) due() (full, check bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refused.IsZero() {
		return false, false
	}
	check = time.Since(r.checked) >= roomPause
	if check {
		r.checked = time.Now()
	}
	return true, check
}

// forget forgets the refusals before a moment.
func (r *room) forget(before time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refused.Before(before) {
		r.refused = time.Time{}
	}
}

// NoRoom reports whether the server refuses writes because its disk is full. It asks the server only after such a refusal, and
// at most once in three seconds.
func (d *Database) NoRoom(ctx context.Context) bool {
	full, check := d.room.due()
	if !check {
		return full
	}
	began := time.Now()
	switch err := d.ProbeRoom(ctx); {
	case err == nil:
		d.room.forget(began)
	case !errors.Is(err, ErrNoRoom): // for instance, the role may not make temporary tables
		d.room.forget(began.Add(-roomDoubt))
	}
	full, _ = d.room.due()
	return full
}

// ProbeRoom writes 250 kB into a temporary table, which is removed at once. It returns ErrNoRoom if they have no room.
func (d *Database) ProbeRoom(ctx context.Context) error {
	conn, err := d.Ready().Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	written := errors.New("written")
	err = pgx.BeginTxFunc(ctx, conn, d.TxOptions(), func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "CREATE TEMPORARY TABLE legwork_room ON COMMIT DROP AS SELECT md5(n::text) AS text FROM generate_series(1, 4000) n")
		if err == nil {
			err = written // rolls back
		}
		return err
	})
	var refusal *pgconn.PgError
	switch {
	case errors.Is(err, written):
		return nil
	case errors.As(err, &refusal) && refusal.Code == noRoom:
		return fmt.Errorf("%w: %w", ErrNoRoom, err)
	}
	return err
}
