package identities_test

import (
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"legwork/internal/access"
	"legwork/internal/research"
	"legwork/internal/store/identities"
)

// TestErasureAndInvitationInADeadlock makes an erasure and the acceptance of an invitation by the same user wait for each other. The
// database rolls one of them back. It must be done again, so that neither fails because of the other.
func TestErasureAndInvitationInADeadlock(t *testing.T) {
	b := setup(t)
	user := b.user("other", access.Member)
	invited := uuid.New()
	_, err := b.CreateInvitation(b.ctx, operator, access.Owner, identities.NewInvitation{ID: invited, SecretHash: make([]byte, 32), AccountID: "default", Role: access.Member, CreatedBy: &user, Lifetime: time.Hour})
	require.NoError(t, err)

	// The erasure holds the lock of the user and waits for this advisory lock when it removes the sessions. Then the acceptance gets the
	// lock of the invitation and waits for the user. When the erasure goes on, it waits for the invitation.
	const lock = 4711
	b.exec(`CREATE FUNCTION pause_erasure() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock_shared(4711); RETURN NULL; END $$`)
	b.exec(`CREATE TRIGGER pause_erasure BEFORE DELETE ON sessions FOR EACH STATEMENT EXECUTE FUNCTION pause_erasure()`)
	conn, err := b.store.Connect(b.ctx, "the lock of the test")
	require.NoError(t, err)
	defer func() { _ = conn.Close(b.ctx) }()
	_, err = conn.Exec(b.ctx, "SELECT pg_advisory_lock($1)", lock)
	require.NoError(t, err)

	var erasure, acceptance error
	var group sync.WaitGroup
	group.Go(func() { erasure = b.Erase(b.ctx, operator, user) })
	b.waiting(1)
	group.Go(func() {
		_, _, _, acceptance = b.Accept(b.ctx, operator, identities.Acceptance{ID: invited, SecretHash: make([]byte, 32), User: &user,
			Session: identities.NewSession{ID: uuid.New(), SecretHash: make([]byte, 32), Lifetime: time.Hour}})
	})
	b.waiting(2)
	_, err = conn.Exec(b.ctx, "SELECT pg_advisory_unlock($1)", lock)
	require.NoError(t, err)
	group.Wait()
	require.NoError(t, erasure)
	if acceptance != nil { // the user was erased first
		require.NotErrorIs(t, acceptance, research.ErrUnavailable)
	}
	var erased int
	require.NoError(t, b.store.Pool().QueryRow(b.ctx, "SELECT count(*) FROM users WHERE id = $1 AND erased_at IS NOT NULL", user).Scan(&erased))
	require.Equal(t, 1, erased)
}

// waiting waits until n connections of this database wait for locks.
func (b *bundle) waiting(n int) {
	b.t.Helper()
	require.Eventually(b.t, func() bool {
		var found int
		err := b.store.Pool().QueryRow(b.ctx, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'").Scan(&found)
		return err == nil && found >= n
	}, 20*time.Second, 5*time.Millisecond, "%d connections wait for locks", n)
}
