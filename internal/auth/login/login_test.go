package login_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"legwork/internal/access"
	"legwork/internal/auth/login"
	"legwork/internal/auth/openid"
	"legwork/internal/auth/password"
	"legwork/internal/auth/token"
	"legwork/internal/dbtest"
	"legwork/internal/research"
	"legwork/internal/store"
	"legwork/internal/store/identities"
)

const (
	email  = "ada@example.org"
	secret = "correct horse battery staple"
	week   = 7 * 24 * time.Hour
)

// bundle is the service on its own database, with the user ada.
type bundle struct {
	*testing.T
	*login.Service
	store *identities.Store
	db    *store.Store
	ada   identities.NewUser
}

func setup(t *testing.T) bundle {
	t.Helper()
	t.Parallel()
	db := dbtest.New(t)
	st := identities.New(db)
	hasher, err := password.NewHasher(password.Params{MemoryKiB: 64, Passes: 1, Lanes: 1}, 4)
	require.NoError(t, err)
	b := bundle{T: t, Service: login.New(st, hasher, week, slog.New(slog.DiscardHandler)), store: st, db: db}
	b.ada = b.user(email, secret, access.Owner)
	return b
}

func operator() identities.Actor { return identities.Actor{Kind: identities.ByOperator} }

func (b bundle) user(email, pass string, role access.Role) identities.NewUser {
	b.Helper()
	made, err := b.NewUser(b.Context(), email, "Somebody", pass)
	require.NoError(b, err)
	require.NoError(b, b.store.CreateUser(b.Context(), operator(), made, research.DefaultAccount, role))
	return made
}

func (b bundle) exec(sql string, args ...any) {
	b.Helper()
	_, err := b.db.Pool().Exec(b.Context(), sql, args...)
	require.NoError(b, err)
}

// actions returns the actions in the audit log, the oldest first.
func (b bundle) actions() []string {
	b.Helper()
	rows, err := b.db.Pool().Query(b.Context(), `SELECT action || ' by ' || actor_kind FROM audit_log ORDER BY id`)
	require.NoError(b, err)
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(b, err)
	return out
}

func from(address string) login.Client {
	return login.Client{Address: netip.MustParseAddr(address), UserAgent: "a browser"}
}

// usable reports whether a request with this session would be accepted.
func (b bundle) usable(s login.Started) bool {
	b.Helper()
	row, err := b.store.SessionCredential(b.Context(), s.Token.ID, time.Hour)
	if err != nil {
		require.ErrorIs(b, err, research.ErrNotFound)
		return false
	}
	return s.Token.Secret.Matches(row.SecretHash)
}

func TestPassword(t *testing.T) {
	b := setup(t)
	first, err := b.Password(t.Context(), from("192.0.2.1"), email, secret, nil)
	require.NoError(t, err)
	assert.True(t, b.usable(first))
	assert.Equal(t, research.DefaultAccount, first.AccountID)
	assert.WithinDuration(t, time.Now().Add(week), first.ExpiresAt, time.Minute)

	second, err := b.Password(t.Context(), from("192.0.2.1"), email, secret, &first.Token.ID)
	require.NoError(t, err)
	assert.NotEqual(t, first.Token, second.Token, "each login has a new id and a new secret")
	assert.False(t, b.usable(first), "the browser's old session ends")
	assert.True(t, b.usable(second))

	sessions, err := b.store.Sessions(t.Context(), b.ada.ID, time.Hour)
	require.NoError(t, err)
	require.Len(t, sessions, 1)
	assert.Equal(t, "a browser", sessions[0].UserAgent)
	assert.Equal(t, "192.0.2.1", sessions[0].Address.String())

	for name, c := range map[string][2]string{"wrong password": {email, "correct horse battery stable"}, "unknown address": {"eve@example.org", secret}} {
		_, err = b.Password(t.Context(), from("192.0.2.1"), c[0], c[1], nil)
		assert.ErrorIs(t, err, login.ErrWrong, name)
	}
	b.exec(`UPDATE users SET disabled_at = now()`)
	_, err = b.Password(t.Context(), from("192.0.2.1"), email, secret, nil)
	require.ErrorIs(t, err, login.ErrWrong, "a disabled user is told no more")
	assert.False(t, b.usable(second), "the sessions of a disabled user do not count")
	assert.Contains(t, b.actions(), "login.fail by anonymous")
	assert.Contains(t, b.actions(), "session.create by user")
}

// TestAStolenSessionIsNotEnded checks that a login does not end the previous session of the browser if that session
// belongs to another user.
func TestAStolenSessionIsNotEnded(t *testing.T) {
	b := setup(t)
	b.user("bob@example.org", secret, access.Member)
	ada, err := b.Password(t.Context(), from("192.0.2.1"), email, secret, nil)
	require.NoError(t, err)
	_, err = b.Password(t.Context(), from("192.0.2.1"), "bob@example.org", secret, &ada.Token.ID)
	require.NoError(t, err)
	assert.True(t, b.usable(ada))
}

func TestUserAgentsOfEveryKindCanBeStored(t *testing.T) {
	b := setup(t)
	for _, agent := range []string{"", strings.Repeat("é", 600), "a\x00b", "\xff\xfe", strings.Repeat("\x01", 10_000)} {
		_, err := b.Password(t.Context(), login.Client{UserAgent: agent}, email, secret, nil)
		assert.NoError(t, err, "%q", agent)
	}
}

func TestPasswordIsHashedAgainWhenCostsRise(t *testing.T) {
	b := setup(t)
	dear, err := password.NewHasher(password.Params{MemoryKiB: 128, Passes: 1, Lanes: 1}, 1)
	require.NoError(t, err)
	_, err = login.New(b.store, dear, week, slog.New(slog.DiscardHandler)).Password(t.Context(), from("192.0.2.1"), email, secret, nil)
	require.NoError(t, err)
	user, err := b.store.User(t.Context(), b.ada.ID)
	require.NoError(t, err)
	assert.Contains(t, user.PasswordHash, "m=128")
	_, err = b.Password(t.Context(), from("192.0.2.1"), email, secret, nil)
	require.NoError(t, err)
}

func TestLockout(t *testing.T) {
	b := setup(t)
	fail := func(address, email string) error {
		_, err := b.Password(t.Context(), from(address), email, "not the password", nil)
		require.Error(t, err)
		return err
	}
	for i := range 5 {
		require.ErrorIs(t, fail(fmt.Sprintf("192.0.2.%d", i+1), email), login.ErrWrong, "from wherever they come")
	}
	var locked login.Locked
	require.ErrorAs(t, fail("192.0.2.9", email), &locked)
	assert.InDelta(t, 10, locked.Wait.Seconds(), 5)
	_, err := b.Password(t.Context(), from("192.0.2.9"), email, secret, nil)
	require.ErrorAs(t, err, &locked, "the right password does not count either")
	_, err = b.Password(t.Context(), from("192.0.2.9"), "eve@example.org", "not the password", nil)
	require.ErrorIs(t, err, login.ErrWrong, "other addresses are free")

	waits := []float64{}
	for range 9 {
		b.exec(`UPDATE login_attempts SET locked_until = now()`)
		require.ErrorIs(t, fail("192.0.2.9", email), login.ErrWrong)
		require.ErrorAs(t, fail("192.0.2.10", email), &locked)
		waits = append(waits, locked.Wait.Round(10*time.Second).Seconds())
	}
	assert.Equal(t, []float64{20, 40, 80, 160, 320, 640, 900, 900, 900}, waits)

	b.exec(`UPDATE login_attempts SET locked_until = now()`)
	_, err = b.Password(t.Context(), from("192.0.2.9"), email, secret, nil)
	require.NoError(t, err)
	require.ErrorIs(t, fail("192.0.2.9", email), login.ErrWrong, "after a right password it begins anew")
	require.ErrorIs(t, fail("192.0.2.9", email), login.ErrWrong)

	b.exec(`UPDATE login_attempts SET failures = 100, locked_until = now(), last_at = now() - interval '25 hours'`)
	require.ErrorIs(t, fail("192.0.2.9", email), login.ErrWrong)
	require.ErrorIs(t, fail("192.0.2.9", email), login.ErrWrong, "after a quiet day, too")
}

func TestUnknownAddressesAreLockedLikeOthers(t *testing.T) {
	b := setup(t)
	for range 5 {
		_, err := b.Password(t.Context(), from("192.0.2.1"), "eve@example.org", "not the password", nil)
		require.ErrorIs(t, err, login.ErrWrong)
	}
	_, err := b.Password(t.Context(), from("192.0.2.1"), "eve@example.org", "not the password", nil)
	var locked login.Locked
	require.ErrorAs(t, err, &locked)
}

func TestLockoutOfAClient(t *testing.T) {
	b := setup(t)
	for i := range 20 {
		_, err := b.Password(t.Context(), from(fmt.Sprintf("2001:db8::%x", i+1)), fmt.Sprintf("user%d@example.org", i), "not the password", nil)
		require.ErrorIs(t, err, login.ErrWrong)
	}
	var locked login.Locked
	_, err := b.Password(t.Context(), from("2001:db8::ffff"), email, secret, nil)
	require.ErrorAs(t, err, &locked, "all addresses of a network of 64 bits are one client")
	_, err = b.Password(t.Context(), from("2001:db8:0:1::1"), email, secret, nil)
	require.NoError(t, err)
}

// TestRightPasswordsOfOneClientDoNotAddUp checks that successful logins of many people behind one client address do
// not lock the address.
func TestRightPasswordsOfOneClientDoNotAddUp(t *testing.T) {
	b := setup(t)
	for range 25 {
		_, err := b.Password(t.Context(), from("192.0.2.1"), email, secret, nil)
		require.NoError(t, err)
	}
}

// TestAttemptsAtTheSameTime checks that attempts at the same time cannot exceed the limit. They would if each attempt
// checked the lock first and counted its failure afterwards.
func TestAttemptsAtTheSameTime(t *testing.T) {
	b := setup(t)
	var looked atomic.Int64
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() {
			_, err := b.Password(t.Context(), from(fmt.Sprintf("192.0.2.%d", i+1)), email, "not the password", nil)
			var locked login.Locked
			switch {
			case assert.Error(t, err) && !assert.ObjectsAreEqual(login.ErrWrong, err):
				assert.ErrorAs(t, err, &locked)
			default:
				looked.Add(1)
			}
		})
	}
	all.Wait()
	assert.EqualValues(t, 5, looked.Load(), "passwords that were looked at")
}

func TestChangePassword(t *testing.T) {
	b := setup(t)
	mine, err := b.Password(t.Context(), from("192.0.2.1"), email, secret, nil)
	require.NoError(t, err)
	other, err := b.Password(t.Context(), from("192.0.2.2"), email, secret, nil)
	require.NoError(t, err)
	change := func(current, next string) error {
		return b.ChangePassword(t.Context(), from("192.0.2.1"), b.ada.ID, mine.Token.ID, current, next)
	}
	const better = "seven ravens over Reykjavik"
	require.ErrorIs(t, change("wrong horse battery staple", better), login.ErrWrong)
	var invalid *research.ValidationError
	require.ErrorAs(t, change(secret, "password1234"), &invalid)
	require.ErrorAs(t, change(secret, secret), &invalid)
	assert.True(t, b.usable(other))

	require.NoError(t, change(secret, better))
	assert.True(t, b.usable(mine), "the session that asks goes on")
	assert.False(t, b.usable(other), "the others end")
	_, err = b.Password(t.Context(), from("192.0.2.1"), email, secret, nil)
	require.ErrorIs(t, err, login.ErrWrong)
	_, err = b.Password(t.Context(), from("192.0.2.1"), email, better, nil)
	require.NoError(t, err)

	b.exec(`UPDATE users SET password_hash = NULL, password_changed_at = NULL`)
	require.ErrorIs(t, change(better, secret), login.ErrNoPassword)
	_, err = b.Password(t.Context(), from("192.0.2.1"), email, "", nil)
	require.ErrorIs(t, err, login.ErrWrong, "no password is not the empty password")
}

func (b bundle) invite(email string, role access.Role) token.Token {
	b.Helper()
	made := token.New()
	_, err := b.store.CreateInvitation(b.Context(), operator(), access.Owner, identities.NewInvitation{ID: made.ID, SecretHash: made.Secret.Hash(),
		AccountID: research.DefaultAccount, Email: email, Role: role, Lifetime: time.Hour})
	require.NoError(b, err)
	return made
}

func TestAcceptAsANewUser(t *testing.T) {
	b := setup(t)
	invited := b.invite("", access.Member)
	accept := func(in login.Acceptance) (login.Started, error) {
		return b.Accept(t.Context(), from("192.0.2.1"), in, nil, nil)
	}
	good := login.Acceptance{Token: invited.Text(), Email: " Bob@Example.org ", Name: "Bob", Password: secret}
	var invalid *research.ValidationError
	for name, edit := range map[string]func(*login.Acceptance){
		"no e-mail":       func(a *login.Acceptance) { a.Email = "" },
		"bad e-mail":      func(a *login.Acceptance) { a.Email = "bob" },
		"two addresses":   func(a *login.Acceptance) { a.Email = "bob@example.org, eve@example.org" },
		"long name":       func(a *login.Acceptance) { a.Name = strings.Repeat("b", 201) },
		"weak password":   func(a *login.Acceptance) { a.Password = "password1234" },
		"own address":     func(a *login.Acceptance) { a.Password = "bob@example.org" },
		"name in control": func(a *login.Acceptance) { a.Name = "Bob\n" + "x" },
	} {
		in := good
		edit(&in)
		_, err := accept(in)
		assert.ErrorAs(t, err, &invalid, name)
	}
	for name, text := range map[string]string{"malformed": "x", "another secret": token.Token{ID: invited.ID, Secret: token.NewSecret()}.Text(), "unknown": token.New().Text()} {
		in := good
		in.Token = text
		_, err := accept(in)
		assert.ErrorIs(t, err, identities.ErrInvitation, name)
	}
	started, err := accept(good)
	require.NoError(t, err)
	assert.True(t, b.usable(started))
	members, err := b.store.Memberships(t.Context(), started.UserID)
	require.NoError(t, err)
	assert.Equal(t, []identities.Membership{{AccountID: research.DefaultAccount, Role: access.Member}}, members)
	_, err = accept(good)
	require.ErrorIs(t, err, identities.ErrInvitation, "it counts once")
	_, err = b.Password(t.Context(), from("192.0.2.1"), "bob@example.org", secret, nil)
	require.NoError(t, err)
}

func TestAcceptAsAUser(t *testing.T) {
	b := setup(t)
	b.exec(`INSERT INTO accounts (id) VALUES ('acme')`)
	bob := b.user("bob@example.org", secret, access.Viewer)
	accept := func(role access.Role, invitedEmail, email, pass string, user *uuid.UUID) (login.Started, error) {
		invited := b.invite(invitedEmail, role)
		return b.Accept(t.Context(), from("192.0.2.1"), login.Acceptance{Token: invited.Text(), Email: email, Password: pass}, user, nil)
	}
	_, err := accept(access.Admin, "", "bob@example.org", "not the password", nil)
	require.ErrorIs(t, err, login.ErrWrong)
	_, err = accept(access.Admin, "eve@example.org", "bob@example.org", secret, nil)
	require.ErrorIs(t, err, identities.ErrInvitedOther)
	_, err = accept(access.Admin, "eve@example.org", "", "", &bob.ID)
	require.ErrorIs(t, err, identities.ErrInvitedOther)

	role := func() access.Role {
		members, err := b.store.Memberships(t.Context(), bob.ID)
		require.NoError(t, err)
		require.Len(t, members, 1)
		return members[0].Role
	}
	started, err := accept(access.Admin, "bob@example.org", "Bob@example.org", secret, nil)
	require.NoError(t, err)
	assert.Equal(t, bob.ID, started.UserID)
	assert.Equal(t, access.Admin, role(), "a higher role counts")
	_, err = accept(access.Viewer, "", "", "", &bob.ID)
	require.NoError(t, err)
	assert.Equal(t, access.Admin, role(), "a lower one does not")
}

// TestAnInvitationCountsOnce checks that only one of several simultaneous requests can accept an invitation. It fails
// if Accept does not lock the row.
func TestAnInvitationCountsOnce(t *testing.T) {
	b := setup(t)
	invited := b.invite("", access.Member)
	var accepted atomic.Int64
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			_, err := b.Accept(t.Context(), from("192.0.2.1"), login.Acceptance{Token: invited.Text(), Email: fmt.Sprintf("bob%d@example.org", i), Password: secret}, nil, nil)
			if err == nil {
				accepted.Add(1)
			} else {
				assert.ErrorIs(t, err, identities.ErrInvitation)
			}
		})
	}
	all.Wait()
	assert.EqualValues(t, 1, accepted.Load())
	var users int
	require.NoError(t, b.db.Pool().QueryRow(t.Context(), `SELECT count(*) FROM users`).Scan(&users))
	assert.Equal(t, 2, users, "who came too late is no user")
}

// TestAnInvitationIsAcceptedMeanwhile lets another transaction accept the invitation without committing. Accept must
// wait for the lock on the invitation, and then refuse it. The other transaction commits only when Accept is waiting,
// so the result does not depend on timing.
func TestAnInvitationIsAcceptedMeanwhile(t *testing.T) {
	b := setup(t)
	invited := b.invite("", access.Member)
	result := make(chan error, 1)
	require.NoError(t, b.db.InTx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE invitations SET accepted_at = now()`); err != nil {
			return err
		}
		go func() {
			_, err := b.Accept(t.Context(), from("192.0.2.1"), login.Acceptance{Token: invited.Text(), Email: "bob@example.org", Password: secret}, nil, nil)
			result <- err
		}()
		require.Eventually(t, func() bool {
			var waiting bool
			err := b.db.Pool().QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')`).Scan(&waiting)
			return err == nil && waiting
		}, time.Minute, time.Millisecond)
		return nil
	}))
	require.ErrorIs(t, <-result, identities.ErrInvitation)
}

func TestInvitationsThatDoNotCount(t *testing.T) {
	b := setup(t)
	for name, end := range map[string]string{"too old": `UPDATE invitations SET expires_at = now()`, "withdrawn": `DELETE FROM invitations`} {
		invited := b.invite("", access.Member)
		b.exec(end)
		_, err := b.Accept(t.Context(), from("192.0.2.1"), login.Acceptance{Token: invited.Text(), Email: "bob@example.org", Password: secret}, nil, nil)
		assert.ErrorIs(t, err, identities.ErrInvitation, name)
	}
	made := token.New()
	_, err := b.store.CreateInvitation(t.Context(), operator(), access.Admin, identities.NewInvitation{ID: made.ID, SecretHash: made.Secret.Hash(),
		AccountID: research.DefaultAccount, Role: access.Owner, Lifetime: time.Hour})
	require.ErrorIs(t, err, identities.ErrRoleTooHigh)
	owner := b.invite("", access.Owner)
	require.ErrorIs(t, b.store.RevokeInvitation(t.Context(), operator(), access.Admin, research.DefaultAccount, owner.ID), identities.ErrRoleTooHigh)
	require.ErrorIs(t, b.store.RevokeInvitation(t.Context(), operator(), access.Owner, "acme", owner.ID), research.ErrNotFound, "of another account")
	require.NoError(t, b.store.RevokeInvitation(t.Context(), operator(), access.Owner, research.DefaultAccount, owner.ID))
	require.ErrorIs(t, b.store.RevokeInvitation(t.Context(), operator(), access.Owner, research.DefaultAccount, owner.ID), research.ErrNotFound)
}

func TestSessionsEnd(t *testing.T) {
	b := setup(t)
	for name, end := range map[string]string{
		"revoked":         `UPDATE sessions SET revoked_at = now()`,
		"expired":         `UPDATE sessions SET expires_at = now()`,
		"idle":            `UPDATE sessions SET last_seen_at = now() - interval '61 minutes'`,
		"no member":       `DELETE FROM memberships`,
		"user is erased":  `UPDATE users SET erased_at = now()`,
		"user is deleted": `DELETE FROM users`,
	} {
		b.exec(`DELETE FROM users`)
		b.ada = b.user(email, secret, access.Owner)
		started, err := b.Password(t.Context(), from("192.0.2.1"), email, secret, nil)
		require.NoError(t, err, name)
		require.True(t, b.usable(started), name)
		b.exec(end)
		assert.False(t, b.usable(started), name)
	}
}

func TestSwitchAccount(t *testing.T) {
	b := setup(t)
	b.exec(`INSERT INTO accounts (id) VALUES ('acme'), ('other')`)
	b.exec(`INSERT INTO memberships (account_id, user_id, role) VALUES ('acme', $1, 'viewer')`, b.ada.ID)
	started, err := b.Password(t.Context(), from("192.0.2.1"), email, secret, nil)
	require.NoError(t, err)
	change := func(user uuid.UUID, account string) error {
		return b.store.SwitchAccount(t.Context(), operator(), user, started.Token.ID, account)
	}
	require.ErrorIs(t, change(b.ada.ID, "other"), research.ErrNotFound, "no member there")
	require.ErrorIs(t, change(b.ada.ID, "nowhere"), research.ErrNotFound)
	require.ErrorIs(t, change(uuid.New(), "acme"), research.ErrNotFound, "the session of somebody else")
	require.NoError(t, change(b.ada.ID, "acme"))
	row, err := b.store.SessionCredential(t.Context(), started.Token.ID, time.Hour)
	require.NoError(t, err)
	assert.Equal(t, "acme", row.AccountID)
	assert.Equal(t, access.Viewer, row.Role)
}

func TestTicketsAndChallengesCountOnce(t *testing.T) {
	b := setup(t)
	started, err := b.Password(t.Context(), from("192.0.2.1"), email, secret, nil)
	require.NoError(t, err)
	p := access.Principal{SessionID: &started.Token.ID}
	ticket := token.NewSecret()
	require.NoError(t, b.store.CreateTicket(t.Context(), ticket.Hash(), p))
	owner, err := b.store.TakeTicket(t.Context(), ticket.Hash())
	require.NoError(t, err)
	assert.Equal(t, identities.TicketOwner{SessionID: &started.Token.ID}, owner)
	_, err = b.store.TakeTicket(t.Context(), ticket.Hash())
	require.ErrorIs(t, err, research.ErrNotFound)

	old := token.NewSecret()
	later, err := b.Password(t.Context(), from("192.0.2.1"), email, secret, nil)
	require.NoError(t, err)
	require.NoError(t, b.store.CreateTicket(t.Context(), old.Hash(), access.Principal{SessionID: &later.Token.ID}))
	b.exec(`UPDATE stream_tickets SET expires_at = now()`)
	_, err = b.store.TakeTicket(t.Context(), old.Hash())
	require.ErrorIs(t, err, research.ErrNotFound)

	challenge, box := token.NewSecret(), []byte(strings.Repeat("sealed data ", 10))
	require.NoError(t, b.store.CreateChallenge(t.Context(), challenge.Hash(), identities.OpenIDLogin, nil, box))
	_, _, err = b.store.TakeChallenge(t.Context(), challenge.Hash(), identities.PasskeyLogin)
	require.ErrorIs(t, err, research.ErrNotFound, "of another kind")
	_, data, err := b.store.TakeChallenge(t.Context(), challenge.Hash(), identities.OpenIDLogin)
	require.NoError(t, err)
	assert.Equal(t, box, data)
	_, _, err = b.store.TakeChallenge(t.Context(), challenge.Hash(), identities.OpenIDLogin)
	require.ErrorIs(t, err, research.ErrNotFound)

	b.exec(`UPDATE sessions SET expires_at = now() - interval '8 days' WHERE id = $1`, started.Token.ID)
	b.exec(`UPDATE login_attempts SET last_at = now() - interval '2 days', locked_until = now() - interval '2 days'`)
	_, err = b.Password(t.Context(), from("192.0.2.1"), "eve@example.org", "x", nil)
	require.ErrorIs(t, err, login.ErrWrong)
	done, err := b.store.PurgeEnded(t.Context(), 100)
	require.NoError(t, err)
	assert.Equal(t, identities.EndedRows{Sessions: 1, Tickets: 1}, done, "what still counts stays")
}

func TestOpenID(t *testing.T) {
	b := setup(t)
	ada := openid.Identity{Issuer: "https://id.example.org", Subject: "a", Email: email, Name: "Ada"}
	bob := openid.Identity{Issuer: "https://id.example.org", Subject: "b", Email: "bob@example.org", Name: "Bob", Groups: []string{"staff", "chiefs"}}
	enter := func(who openid.Identity, p login.Policy) (access.Role, error) {
		p.Account = research.DefaultAccount
		started, err := b.OpenID(t.Context(), from("192.0.2.1"), who, p, nil)
		if err != nil {
			return "", err
		}
		row, err := b.store.SessionCredential(t.Context(), started.Token.ID, time.Hour)
		require.NoError(t, err)
		return row.Role, nil
	}
	_, err := enter(bob, login.Policy{})
	require.ErrorIs(t, err, login.ErrNotAllowed, "nobody comes in unless the policy says so")
	_, err = enter(bob, login.Policy{DefaultRole: access.Member, AllowedDomains: []string{"example.com"}})
	require.ErrorIs(t, err, login.ErrNotAllowed)
	unverified := bob
	unverified.Email = ""
	_, err = enter(unverified, login.Policy{DefaultRole: access.Member})
	require.ErrorIs(t, err, login.ErrNotAllowed)
	_, err = enter(ada, login.Policy{DefaultRole: access.Member})
	require.ErrorIs(t, err, login.ErrNotLinked, "an address alone does not make somebody a user")

	role, err := enter(ada, login.Policy{LinkByEmail: true})
	require.NoError(t, err)
	assert.Equal(t, access.Owner, role, "a user keeps the role")
	elsewhere := ada
	elsewhere.Issuer = "https://other.example"
	_, err = enter(elsewhere, login.Policy{DefaultRole: access.Member})
	require.ErrorIs(t, err, login.ErrNotLinked, "the same subject at another issuer is somebody else")

	groups := []login.GroupRole{{Group: "chiefs", Role: access.Admin}, {Group: "staff", Role: access.Member}}
	role, err = enter(bob, login.Policy{Roles: groups, AllowedDomains: []string{"example.org"}})
	require.NoError(t, err)
	assert.Equal(t, access.Admin, role, "the first group counts")
	bob.Groups = []string{"staff"}
	role, err = enter(bob, login.Policy{Roles: groups})
	require.NoError(t, err)
	assert.Equal(t, access.Member, role, "each login gives the role of today")
	bob.Groups = nil
	_, err = enter(bob, login.Policy{Roles: groups})
	require.ErrorIs(t, err, login.ErrNotAllowed, "in no group any more")
	role, err = enter(ada, login.Policy{Roles: groups, DefaultRole: access.Viewer})
	require.NoError(t, err)
	assert.Equal(t, access.Owner, role, "the last owner stays owner")

	bob.Email = "new-address@example.org"
	role, err = enter(bob, login.Policy{})
	require.NoError(t, err)
	assert.Equal(t, access.Member, role, "who is known by the subject needs no address")
	b.exec(`UPDATE users SET disabled_at = now()`)
	_, err = enter(bob, login.Policy{})
	require.ErrorIs(t, err, login.ErrWrong)
}

func TestEmail(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		" Ada@Example.ORG ": "ada@example.org", "a@b": "a@b", "ada+tag@example.org": "ada+tag@example.org",
		"": "", "ada": "", "@example.org": "", "ada@": "", "Ada <ada@example.org>": "", "a@b, c@d": "", "ada @example.org": "", "a\x00@example.org": "",
		"\xff@example.org": "", strings.Repeat("a", 250) + "@example.org": "", "ada@example.org\nBcc: eve@example.org": "",
	} {
		got, ok := login.Email(text)
		assert.Equal(t, want, got, "%q", text)
		assert.Equal(t, want != "", ok, "%q", text)
	}
}
