package identities

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/google/uuid"

	"legwork/db"
	"legwork/internal/access"
	"legwork/internal/research"
	"legwork/internal/store"
)

// Session is a login of a browser, without its secret.
type Session struct {
	ID         uuid.UUID
	AccountID  string // the account that the session uses
	CreatedAt  time.Time
	LastSeenAt time.Time // up to a minute late
	ExpiresAt  time.Time // the latest possible end
	Address    *netip.Addr
	UserAgent  string
}

// NewSession describes a session to create. Package internal/auth/token makes ID and SecretHash.
type NewSession struct {
	ID         uuid.UUID
	SecretHash []byte
	UserID     uuid.UUID
	AccountID  string
	Lifetime   time.Duration // time until the latest possible end
	Address    netip.Addr    // the zero address when unknown
	UserAgent  string        // is cut to maxUserAgent
	Method     string        // how the user logged in, for the audit log: password, openid, passkey, invitation
}

// maxUserAgent is the length to which user agents are cut, in code points.
const maxUserAgent = 512

// StartSession creates a session, and returns its latest possible end.
func (s *Store) StartSession(ctx context.Context, by Actor, n NewSession) (time.Time, error) {
	var ends time.Time
	err := s.inTx(ctx, func(ctx context.Context, q *db.Queries) (err error) {
		ends, err = startSession(ctx, q, by, n)
		return err
	})
	return ends, err
}

func startSession(ctx context.Context, q *db.Queries, by Actor, n NewSession) (time.Time, error) {
	p := db.CreateSessionParams{ID: n.ID, SecretHash: n.SecretHash, UserID: n.UserID, AccountID: n.AccountID,
		LifetimeSeconds: n.Lifetime.Seconds(), UserAgent: research.Truncate(n.UserAgent, maxUserAgent)}
	if n.Address.IsValid() {
		p.Address = &n.Address
	}
	ends, err := q.CreateSession(ctx, p)
	if err != nil {
		return time.Time{}, missingReference(err)
	}
	if err := q.NoteLogin(ctx, n.UserID); err != nil {
		return time.Time{}, err
	}
	return ends, record(ctx, q, by, Entry{AccountID: n.AccountID, Action: "session.create", Target: n.ID.String(), Details: map[string]any{"method": n.Method}})
}

// SessionCredential has what decides whether a session may be used, and with which role.
type SessionCredential struct {
	SecretHash  []byte
	UserID      uuid.UUID
	AccountID   string
	Role        access.Role // present role of the user in the account
	ExpiresAt   time.Time   // the latest possible end
	SeenLongAgo bool        // last used more than a minute ago: call TouchSession after the secret was found correct
}

// SessionCredential returns a session that may be used. It returns research.ErrNotFound when the session was revoked, has
// ended or was unused for longer than idle, or when its user is disabled or no longer a member of the account.
func (s *Store) SessionCredential(ctx context.Context, id uuid.UUID, idle time.Duration) (SessionCredential, error) {
	row, err := s.q.SessionCredential(ctx, id, idle.Seconds())
	if err != nil {
		return SessionCredential{}, store.Translate(err)
	}
	return SessionCredential{SecretHash: row.SecretHash, UserID: row.UserID, AccountID: row.AccountID, Role: access.Role(row.Role),
		ExpiresAt: row.ExpiresAt, SeenLongAgo: row.SeenLongAgo}, nil
}

// TouchSession sets the time of a session's last use to now.
func (s *Store) TouchSession(ctx context.Context, id uuid.UUID) error {
	return store.Translate(s.q.TouchSession(ctx, id))
}

// Sessions returns the sessions of a user that may still be used, the last used one first.
func (s *Store) Sessions(ctx context.Context, user uuid.UUID, idle time.Duration) ([]Session, error) {
	rows, err := s.q.LiveSessions(ctx, user, idle.Seconds())
	if err != nil {
		return nil, store.Translate(err)
	}
	out := make([]Session, len(rows))
	for i, row := range rows {
		out[i] = Session{ID: row.ID, AccountID: row.AccountID, CreatedAt: row.CreatedAt, LastSeenAt: row.LastSeenAt,
			ExpiresAt: row.ExpiresAt, Address: row.Address, UserAgent: row.UserAgent}
	}
	return out, nil
}

// RevokeSession ends a session of a user. It returns research.ErrNotFound when the user has no such session or it has ended.
func (s *Store) RevokeSession(ctx context.Context, by Actor, user, id uuid.UUID) error {
	err := s.inTx(ctx, func(ctx context.Context, q *db.Queries) error {
		n, err := q.RevokeSession(ctx, id, user)
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("%w: session %s", research.ErrNotFound, id)
		}
		return record(ctx, q, by, Entry{Action: "session.revoke", Target: id.String()})
	})
	if err != nil {
		return err
	}
	return s.announce(ctx, access.SessionChanged(id))
}

// SwitchAccount makes a session use another account. It returns research.ErrNotFound when the user is no member of that
// account.
func (s *Store) SwitchAccount(ctx context.Context, by Actor, user, session uuid.UUID, account string) error {
	err := s.inTx(ctx, func(ctx context.Context, q *db.Queries) error {
		n, err := q.SwitchSession(ctx, account, session, user)
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("%w: account", research.ErrNotFound)
		}
		return record(ctx, q, by, Entry{AccountID: account, Action: "session.switch", Target: session.String()})
	})
	if err != nil {
		return err
	}
	return s.announce(ctx, access.SessionChanged(session))
}

// EndedRows has the numbers of rows that PurgeEnded removed.
type EndedRows struct {
	Sessions, Tickets, Challenges, Attempts int64
}

// PurgeEnded removes at most limit old rows of each kind: sessions a week after their end, expired tickets and challenges, and
// failed logins older than a day.
func (s *Store) PurgeEnded(ctx context.Context, limit int) (done EndedRows, err error) {
	for _, purge := range []struct {
		count *int64
		query func(context.Context, int32) (int64, error)
	}{
		{&done.Sessions, s.q.PurgeSessions}, {&done.Tickets, s.q.PurgeTickets},
		{&done.Challenges, s.q.PurgeChallenges}, {&done.Attempts, s.q.PurgeAttempts},
	} {
		if *purge.count, err = purge.query(ctx, int32(limit)); err != nil {
			return done, store.Translate(err)
		}
	}
	return done, nil
}
