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
	Address *netip.Addr // of the client; nil when it is unknown or there is no client
	Details json.RawMessage
}

// AuditFilter selects entries of the audit log. A field with its zero value does not filter.
type AuditFilter struct {
	Before int64  // selects entries with a smaller id, which are older
	Action string // selects entries with this action, for instance key.create
	Limit  int    // greatest number of entries
}

// Audit returns entries of an account's audit log, newest first.
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
