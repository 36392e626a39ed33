// Package identities keeps users, their roles, the credentials of people and programs, and the audit log in PostgreSQL.
//
// Invariants:
//
//   - A secret is never stored, only its SHA-256; a password only as argon2id. Nothing here returns either to a caller that
//     shows it to people.
//   - Every change is written to the audit log in the same transaction, with who made it.
//   - After the commit of a change that takes rights away, every process is told by NOTIFY on [Channel], and this one at once
//     by its hooks. A change counts as failed, and may be repeated, when nobody could be told.
//   - What belongs to another account is research.ErrNotFound.
package identities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"legwork/db"
	"legwork/internal/access"
	"legwork/internal/research"
	"legwork/internal/store"
)

// Store reads and writes who may use the API. Make one per process with New.
type Store struct {
	store *store.Store
	q     *db.Queries

	mu    sync.Mutex
	hooks []func(access.Notice)
}

// New returns the identities in the database of st.
func New(st *store.Store) *Store { return &Store{store: st, q: db.New(st.DB())} }

// Channel is the channel of NOTIFY on which processes tell each other whose credentials have changed. The payload is an
// [access.Notice].
const Channel = "legwork_access"

// OnNotice registers a function that is called, in this process, for every notice of a change made here. It is called before
// the change is reported as done. Register before the first change.
func (s *Store) OnNotice(hook func(access.Notice)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks = append(s.hooks, hook)
}

// announceTimeout bounds how long a change waits until the other processes can be told of it.
const announceTimeout = 5 * time.Second

// announce tells this process and all others whose credentials have changed. It goes on when the client has left, because the
// change is committed. Its error says that others may not know; the caller may repeat the change, which announces it again.
func (s *Store) announce(ctx context.Context, notices ...access.Notice) error {
	s.mu.Lock()
	hooks := s.hooks
	s.mu.Unlock()
	payloads := make([]string, len(notices))
	for i, n := range notices {
		payloads[i] = string(n)
		for _, hook := range hooks {
			hook(n)
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), announceTimeout)
	defer cancel()
	err := store.UntilAvailable(ctx, func() error { return s.store.Notify(ctx, Channel, payloads...) })
	if err != nil {
		return fmt.Errorf("the change is stored, but other processes could not be told of it; repeat it: %w", err)
	}
	return nil
}

// inTx runs fn in one transaction.
func (s *Store) inTx(ctx context.Context, fn func(ctx context.Context, q *db.Queries) error) error {
	return s.store.InTx(ctx, func(ctx context.Context, tx pgx.Tx) error { return fn(ctx, s.q.WithTx(tx)) })
}

// ActorKind says what kind of caller changed something.
type ActorKind string

// The kinds of actors.
const (
	ByUser      ActorKind = "user"      // a person, by a session; the id is the user's
	ByKey       ActorKind = "key"       // an API key; the id is the key's
	ByToken     ActorKind = "token"     // a bearer JWT; the id is its subject
	ByOperator  ActorKind = "operator"  // the command line, with direct access to the database
	BySystem    ActorKind = "system"    // the server itself
	ByAnonymous ActorKind = "anonymous" // nobody in particular: a failed login, or AUTH_MODE=off
)

// Actor is who makes a change, for the audit log.
type Actor struct {
	Kind    ActorKind
	ID      string
	Address netip.Addr // the client's; the zero address: unknown, or no client
}

// ActorOf is the actor behind a request.
func ActorOf(p access.Principal, address netip.Addr) Actor {
	a := Actor{Kind: ByAnonymous, Address: address}
	switch {
	case p.KeyID != "":
		a.Kind, a.ID = ByKey, p.KeyID
	case p.Kind == access.ByToken:
		a.Kind = ByToken
		if p.UserID != nil {
			a.ID = p.UserID.String()
		}
	case p.UserID != nil:
		a.Kind, a.ID = ByUser, p.UserID.String()
	}
	return a
}

// Entry is what the audit log says of one change.
type Entry struct {
	AccountID string         // empty: none, or several
	Action    string         // noun.verb, as in key.create
	Target    string         // id of what was changed
	Details   map[string]any // never secrets, and no personal data
}

// record writes an entry to the audit log, in the transaction of the change.
func record(ctx context.Context, q *db.Queries, by Actor, e Entry) error {
	details := []byte("{}")
	if len(e.Details) > 0 {
		var err error
		if details, err = json.Marshal(e.Details); err != nil {
			return fmt.Errorf("audit details: %w", err)
		}
	}
	p := db.InsertAuditParams{ActorKind: string(by.Kind), ActorID: by.ID, Action: e.Action, Target: e.Target, Details: details}
	if e.AccountID != "" {
		p.AccountID = &e.AccountID
	}
	if by.Address.IsValid() {
		p.Address = &by.Address
	}
	return q.InsertAudit(ctx, p)
}

// Record writes an entry that goes with no change, such as a failed login.
func (s *Store) Record(ctx context.Context, by Actor, e Entry) error {
	return store.Translate(record(ctx, s.q, by, e))
}

// missingReference turns the violation of a foreign key, which means that an account or user does not exist, into
// research.ErrNotFound.
func missingReference(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "23503" {
		return fmt.Errorf("%w: %w", research.ErrNotFound, err)
	}
	return err
}
