package identities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"

	"legwork/db"
	"legwork/internal/research"
	"legwork/internal/store"
)

// Passkey is a passkey of a user.
type Passkey struct {
	ID         []byte // chosen by the device
	Name       string // shown to people
	Credential []byte // JSON text that internal/auth/passkey reads and writes
	CreatedAt  time.Time
	LastUsedAt *time.Time // nil means never
}

// AddPasskey stores a passkey of a user. It returns research.ErrConflict when the passkey is stored already.
func (s *Store) AddPasskey(ctx context.Context, by Actor, user uuid.UUID, p Passkey) error {
	return s.inTx(ctx, func(ctx context.Context, q *db.Queries) error {
		err := q.CreatePasskey(ctx, db.CreatePasskeyParams{ID: p.ID, UserID: user, Name: p.Name, Credential: p.Credential})
		var pg *pgconn.PgError
		if errors.As(err, &pg) && pg.ConstraintName == "passkeys_pkey" {
			return fmt.Errorf("%w: the passkey is stored already", research.ErrConflict)
		}
		if err != nil {
			return missingReference(err)
		}
		return record(ctx, q, by, Entry{Action: "passkey.add", Target: user.String()})
	})
}

// Passkeys lists the passkeys of a user, the oldest first.
func (s *Store) Passkeys(ctx context.Context, user uuid.UUID) ([]Passkey, error) {
	rows, err := s.q.Passkeys(ctx, user)
	if err != nil {
		return nil, store.Translate(err)
	}
	out := make([]Passkey, len(rows))
	for i, row := range rows {
		out[i] = Passkey{ID: row.ID, Name: row.Name, Credential: row.Credential, CreatedAt: row.CreatedAt, LastUsedAt: row.LastUsedAt}
	}
	return out, nil
}

// UsePasskey replaces the stored credential of a passkey after a login.
func (s *Store) UsePasskey(ctx context.Context, user uuid.UUID, id, credential []byte) error {
	return store.Translate(s.q.UsePasskey(ctx, credential, id, user))
}

// RemovePasskey removes a passkey of a user. It returns research.ErrNotFound when the user has no such passkey.
func (s *Store) RemovePasskey(ctx context.Context, by Actor, user uuid.UUID, id []byte) error {
	return s.inTx(ctx, func(ctx context.Context, q *db.Queries) error {
		n, err := q.DeletePasskey(ctx, id, user)
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("%w: passkey", research.ErrNotFound)
		}
		return record(ctx, q, by, Entry{Action: "passkey.remove", Target: user.String()})
	})
}
