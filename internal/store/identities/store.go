// Package identities reads and writes users, their roles, the credentials of people and programs, and the audit log in
// PostgreSQL.
//
// Invariants:
//
//   - Only the SHA-256 of a secret is stored, and only the argon2id hash of a password. Neither is shown to people.
//   - The transaction of each change also writes the change and its author to the audit log.
//   - After the commit of a change that takes rights away, the hooks of this process are called, and the other processes are
//     notified by NOTIFY on [Channel]. When NOTIFY fails, the change returns an error, and the caller may repeat it.
//   - For an id of another account, functions return research.ErrNotFound.
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
	"legwork/internal/retry"
	"legwork/internal/store"
)

// Store reads and writes users, credentials and the audit log. Use New to make one per process.
type Store struct {
	store *store.Store
	q     *db.Queries

	mu    sync.Mutex
	hooks []func(access.Notice)
}

// New returns a Store that uses the database of st.
func New(st *store.Store) *Store { return &Store{store: st, q: db.New(st.DB())} }

// Channel is the NOTIFY channel for changed credentials. The payload is an [access.Notice].
const Channel = "legwork_access"

// OnNotice registers a function that is called for each notice of a change that this process made. It is called before
// the method that made the change returns. Register it before the first change.
func (s *Store) OnNotice(hook func(access.Notice)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks = append(s.hooks, hook)
}

// announceTimeout is the longest time that a change tries to notify the other processes.
const announceTimeout = 5 * time.Second

// announce calls the hooks of this process and notifies the other processes. It does so even when the client has left,
// because the change is committed. After an error other processes may not know the change. The caller may repeat the
// change, which then is announced again.
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

// repeats is how often inTx runs a transaction at most.
const repeats = 5

// inTx runs fn in one transaction. After a deadlock or a serialization conflict, of which the server has rolled back one
// side, it runs fn again: an erasure and the acceptance of an invitation, for instance, lock the same rows in different
// orders. So effects of fn outside the transaction must not add up.
func (s *Store) inTx(ctx context.Context, fn func(ctx context.Context, q *db.Queries) error) error {
	pauses := retry.NewPauses(10*time.Millisecond, 100*time.Millisecond)
	for n := 1; ; n++ {
		err := s.store.InTx(ctx, func(ctx context.Context, tx pgx.Tx) error { return fn(ctx, s.q.WithTx(tx)) })
		var pg *pgconn.PgError
		rolledBack := errors.As(err, &pg) && (pg.Code == "40P01" || pg.Code == "40001")
		if !rolledBack || n == repeats || pauses.Wait(ctx) != nil {
			return err
		}
	}
}

// ActorKind is the kind of a caller that makes changes.
type ActorKind string

// The kinds of actors.
const (
	ByUser      ActorKind = "user"      // a person, by a session; the id is the user's
	ByKey       ActorKind = "key"       // an API key; the id is the key's
	ByToken     ActorKind = "token"     // a bearer JWT; the id is its subject
	ByOperator  ActorKind = "operator"  // the command line, with direct access to the database
	BySystem    ActorKind = "system"    // the server itself
	ByAnonymous ActorKind = "anonymous" // an unknown caller, for instance after a failed login or with AUTH_MODE=off
)

// Actor is the author of a change, for the audit log.
type Actor struct {
	Kind    ActorKind
	ID      string
	Address netip.Addr // of the client; the zero address when it is unknown or there is no client
}

// ActorOf returns the actor of a request.
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

// Entry is an entry of the audit log about one change.
type Entry struct {
	AccountID string         // empty when the change concerns no account or several
	Action    string         // noun.verb, for instance key.create
	Target    string         // id of the thing that was changed
	Details   map[string]any // without secrets and personal data
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

// Record writes an entry about an event that is no change, such as a failed login.
func (s *Store) Record(ctx context.Context, by Actor, e Entry) error {
	return store.Translate(record(ctx, s.q, by, e))
}

// missingReference turns a foreign key violation into research.ErrNotFound: the account or the user does not exist.
func missingReference(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "23503" {
		return fmt.Errorf("%w: %w", research.ErrNotFound, err)
	}
	return err
}
