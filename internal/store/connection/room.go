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

// noRoomName is the application_name of the pings of a process that was refused a write for want of room. Other processes see it in
// pg_stat_activity, which needs no write, so they know it too.
const noRoomName = pingName + ", no room"

// room is what is known about the server's disk. Reads succeed on a full disk, so a health check that only reads would not notice it.
type room struct {
	mu        sync.Mutex
	refused   time.Time // of the last refusal; zero when there was none, or room since
	elsewhere bool      // another process was refused a write; not known of this one
	checking  bool
	checked   time.Time
}

// note notes a refusal.
func (r *room) note() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refused = time.Now()
}

// hear notes whether another process was refused a write.
func (r *room) hear(elsewhere bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.elsewhere = elsewhere
}

// full reports whether this process was refused a write.
func (r *room) full() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.refused.IsZero()
}

// due reports whether it is time to check, and begins a check, which forget ends.
func (r *room) due() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.checking || r.refused.IsZero() && !r.elsewhere || time.Since(r.checked) < roomPause {
		return false
	}
	r.checking, r.checked = true, time.Now()
	return true
}

// forget ends a check, and forgets the refusals before a moment.
func (r *room) forget(before time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.checking = false
	if r.refused.Before(before) {
		r.refused = time.Time{}
	}
}

// NoRoom reports whether the server refuses writes because its disk is full, as this process or another one saw within the last seconds.
func (d *Database) NoRoom() bool { return d.room.full() }

// checkRoom asks the server whether it has room, after a refusal in this process or another one.
func (d *Database) checkRoom(ctx context.Context) {
	began := time.Now()
	switch err := d.ProbeRoom(ctx); {
	case err == nil:
		d.room.forget(began)
	case errors.Is(err, ErrNoRoom): // onError has noted it
		d.room.forget(time.Time{})
	default: // for instance, the role may not make temporary tables
		d.room.forget(began.Add(-roomDoubt))
	}
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
