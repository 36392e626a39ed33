package identities

import (
	"context"
	"encoding/json"
	"net/netip"
	"time"

	"legwork/db"
	"legwork/internal/store"
)

// AuditEntry is a row of the audit log.
type AuditEntry struct {
	ID      int64
	At      time.Time
	Kind    ActorKind
	ActorID string
	Action  string
	Target  string
	Address *netip.Addr // of the client; nil: unknown, or no client
	Details json.RawMessage
}

// AuditFilter selects entries of the audit log. Zero values filter nothing.
type AuditFilter struct {
	Before int64  // entries older than the one of this id
	Action string // as in key.create
	Limit  int    // entries at most
}

// Audit lists the audit log of an account, the newest entry first.
func (s *Store) Audit(ctx context.Context, account string, f AuditFilter) ([]AuditEntry, error) {
	p := db.ListAuditParams{AccountID: &account, MaxRows: int32(f.Limit)}
	if f.Before > 0 {
		p.BeforeID = &f.Before
	}
	if f.Action != "" {
		p.Action = &f.Action
	}
	rows, err := s.q.ListAudit(ctx, p)
	if err != nil {
		return nil, store.Translate(err)
	}
	out := make([]AuditEntry, len(rows))
	for i, row := range rows {
		out[i] = AuditEntry{ID: row.ID, At: row.At, Kind: ActorKind(row.ActorKind), ActorID: row.ActorID, Action: row.Action,
			Target: row.Target, Address: row.Address, Details: row.Details}
	}
	return out, nil
}
