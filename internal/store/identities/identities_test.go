package identities_test

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"legwork/internal/access"
	"legwork/internal/dbtest"
	"legwork/internal/research"
	"legwork/internal/store"
	"legwork/internal/store/identities"
)

// bundle has the identities in a database of its own, with a second account.
type bundle struct {
	*identities.Store
	t     *testing.T
	ctx   context.Context
	store *store.Store

	mu      sync.Mutex
	notices []access.Notice
}

func setup(t *testing.T) *bundle {
	t.Helper()
	t.Parallel()
	st := dbtest.New(t)
	b := &bundle{Store: identities.New(st), t: t, ctx: t.Context(), store: st}
	b.OnNotice(func(n access.Notice) { b.mu.Lock(); defer b.mu.Unlock(); b.notices = append(b.notices, n) })
	require.NoError(t, b.CreateAccount(b.ctx, operator, "other", "The others"))
	return b
}

var operator = identities.Actor{Kind: identities.ByOperator, Address: netip.MustParseAddr("192.0.2.9")}

func (b *bundle) user(account string, role access.Role) uuid.UUID {
	b.t.Helper()
	id := uuid.New()
	b.exec("INSERT INTO users (id, email) VALUES ($1, $2)", id, id.String()+"@example.org")
	b.exec("INSERT INTO memberships (account_id, user_id, role) VALUES ($1, $2, $3)", account, id, string(role))
	return id
}

func (b *bundle) exec(sql string, args ...any) {
	b.t.Helper()
	_, err := b.store.Pool().Exec(b.ctx, sql, args...)
	require.NoError(b.t, err)
}

func (b *bundle) key(id string, user *uuid.UUID) identities.Key {
	b.t.Helper()
	k, err := b.CreateKey(b.ctx, operator, identities.NewKey{ID: id, SecretHash: make([]byte, 32), AccountID: "default", UserID: user, Name: "test",
		Scopes: []access.Scope{access.TasksRead}})
	require.NoError(b.t, err)
	return k
}

func (b *bundle) seen() []access.Notice {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.notices)
}

const keyID = "0123456789abcdef"

func TestKeys(t *testing.T) {
	b := setup(t)
	user := b.user("default", access.Member)
	end := time.Now().Add(time.Hour).Truncate(time.Microsecond).UTC()
	in := identities.NewKey{ID: keyID, SecretHash: []byte("0123456789abcdef0123456789abcdef"), AccountID: "default", UserID: &user, Name: "nightly",
		Scopes: []access.Scope{access.TasksWrite, access.LibraryRead}, AllowedNets: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")}, ExpiresAt: &end}
	made, err := b.CreateKey(b.ctx, operator, in)
	require.NoError(t, err)
	assert.Equal(t, in.Scopes, made.Scopes)
	assert.Equal(t, in.AllowedNets, made.AllowedNets)
	assert.True(t, end.Equal(*made.ExpiresAt))
	found, err := b.KeyCredential(b.ctx, keyID)
	require.NoError(t, err)
	assert.Equal(t, in.SecretHash, found.SecretHash)
	assert.Equal(t, access.Member, found.Role)
	assert.False(t, found.Expired || found.Disabled || found.RevokedAt != nil)

	at := time.Now().Truncate(time.Microsecond).UTC()
	from := netip.MustParseAddr("2001:db8::7")
	require.NoError(t, b.KeysUsed(b.ctx, []identities.KeyUse{{ID: keyID, At: at, From: from}, {ID: "gonegonegonegone", At: at}}))
	require.NoError(t, b.KeysUsed(b.ctx, []identities.KeyUse{{ID: keyID, At: at.Add(-time.Hour)}}), "an older use of another process")
	require.NoError(t, b.KeysUsed(b.ctx, nil))
	list, err := b.Keys(b.ctx, "default", nil)
	require.NoError(t, err)
	require.Len(t, list, 1)
	assert.True(t, at.Equal(*list[0].LastUsedAt))
	assert.Equal(t, from, *list[0].LastUsedFrom)

	other := b.user("default", access.Owner)
	for _, whose := range []struct {
		account string
		user    *uuid.UUID
	}{{"other", nil}, {"default", &other}} {
		_, err := b.RevokeKey(b.ctx, operator, whose.account, keyID, whose.user)
		require.ErrorIs(t, err, research.ErrNotFound)
		list, err := b.Keys(b.ctx, whose.account, whose.user)
		require.NoError(t, err)
		assert.Empty(t, list)
	}
	assert.Empty(t, b.seen(), "nothing has been taken away")
	first, err := b.RevokeKey(b.ctx, operator, "default", keyID, &user)
	require.NoError(t, err)
	again, err := b.RevokeKey(b.ctx, operator, "default", keyID, nil)
	require.NoError(t, err)
	assert.Equal(t, first.RevokedAt, again.RevokedAt)
	assert.Equal(t, []access.Notice{access.KeyChanged(keyID), access.KeyChanged(keyID)}, b.seen())

	_, err = b.CreateKey(b.ctx, operator, identities.NewKey{ID: "1123456789abcdef", SecretHash: make([]byte, 32), AccountID: "nowhere", Name: "x", Scopes: in.Scopes})
	require.ErrorIs(t, err, research.ErrNotFound)
	_, err = b.KeyCredential(b.ctx, "gonegonegonegone")
	require.ErrorIs(t, err, research.ErrNotFound)
}

func TestKeptKey(t *testing.T) {
	b := setup(t)
	k := identities.NewKey{ID: keyID, SecretHash: make([]byte, 32), AccountID: "default", Name: "kept", Scopes: []access.Scope{access.AdminScope}}
	require.NoError(t, b.KeepKey(b.ctx, operator, k))
	_, err := b.RevokeKey(b.ctx, operator, "default", keyID, nil)
	require.NoError(t, err)
	require.NoError(t, b.KeepKey(b.ctx, operator, k))
	found, err := b.KeyCredential(b.ctx, keyID)
	require.NoError(t, err)
	assert.Nil(t, found.RevokedAt)
	k.AccountID = "other"
	require.ErrorIs(t, b.KeepKey(b.ctx, operator, k), research.ErrConflict)
	user := b.user("default", access.Owner)
	b.key("1123456789abcdef", &user)
	k.AccountID, k.ID = "default", "1123456789abcdef"
	require.ErrorIs(t, b.KeepKey(b.ctx, operator, k), research.ErrConflict, "a user's key does not become an operator's")
}

// TestValid checks which credentials are still valid after each kind of change that takes rights away.
func TestValid(t *testing.T) {
	b := setup(t)
	principal := func(id string, role access.Role) access.Principal {
		return access.Principal{Kind: access.ByKey, KeyID: id, Role: role}
	}
	var all []access.Principal
	var want []bool
	add := func(name string, role access.Role, spoil string, valid bool) {
		user := b.user("default", access.Admin)
		id := name + "0000000000000000"[len(name):]
		b.key(id, &user)
		if spoil != "" {
			b.exec(spoil, user)
		}
		all, want = append(all, principal(id, role)), append(want, valid)
	}
	add("good", access.Admin, "", true)
	add("demoted", access.Admin, "UPDATE memberships SET role = 'viewer' WHERE user_id = $1", false)
	add("left", access.Admin, "DELETE FROM memberships WHERE user_id = $1", false)
	add("disabled", access.Admin, "UPDATE users SET disabled_at = now() WHERE id = $1", false)
	add("erased", access.Admin, "UPDATE users SET erased_at = now() WHERE id = $1", false)
	add("revoked", access.Admin, "UPDATE api_keys SET revoked_at = now() WHERE user_id = $1", false)
	add("expired", access.Admin, "UPDATE api_keys SET expires_at = now() WHERE user_id = $1", false)
	add("future", access.Admin, "UPDATE api_keys SET expires_at = now() + interval '1 hour' WHERE user_id = $1", true)
	b.key("operator00000000", nil)
	all, want = append(all, principal("operator00000000", access.Owner)), append(want, true)
	all, want = append(all, principal("gonegonegonegone", access.Owner)), append(want, false)

	user := b.user("default", access.Member)
	for _, s := range []struct {
		change string
		valid  bool
	}{{"expires_at = now() + interval '1 hour'", true}, {"expires_at = now()", false}, {"revoked_at = now()", false}} {
		id := uuid.New()
		b.exec("INSERT INTO sessions (id, secret_hash, user_id, account_id, expires_at) VALUES ($1, $2, $3, 'default', now() + interval '1 hour')", id, make([]byte, 32), user)
		b.exec("UPDATE sessions SET "+s.change+" WHERE id = $1", id)
		all, want = append(all, access.Principal{Kind: access.BySession, SessionID: &id, Role: access.Member}), append(want, s.valid)
	}
	all, want = append(all, access.Principal{Kind: access.ByToken}), append(want, true)

	got, err := b.Valid(b.ctx, all)
	require.NoError(t, err)
	for i := range all {
		assert.Equal(t, want[i], got[i], "%+v", all[i])
	}
	got, err = b.Valid(b.ctx, nil)
	require.NoError(t, err)
	assert.Empty(t, got)
}

func TestMembers(t *testing.T) {
	b := setup(t)
	owner, admin, member := b.user("default", access.Owner), b.user("default", access.Admin), b.user("default", access.Member)
	stranger := b.user("other", access.Owner)
	change := func(most access.Role, user uuid.UUID, role access.Role) error {
		_, err := b.ChangeRole(b.ctx, operator, most, "default", user, role)
		return err
	}
	remove := func(most access.Role, user uuid.UUID) error {
		return b.RemoveMember(b.ctx, operator, most, "default", user)
	}

	require.ErrorIs(t, change(access.Owner, owner, access.Admin), identities.ErrLastOwner)
	require.ErrorIs(t, remove(access.Owner, owner), identities.ErrLastOwner)
	require.NoError(t, change(access.Owner, owner, access.Owner), "the last owner may stay owner")
	require.ErrorIs(t, change(access.Admin, owner, access.Viewer), identities.ErrRoleTooHigh)
	require.ErrorIs(t, remove(access.Admin, owner), identities.ErrRoleTooHigh)
	require.ErrorIs(t, change(access.Admin, member, access.Owner), identities.ErrRoleTooHigh)
	require.ErrorIs(t, change(access.Owner, stranger, access.Viewer), research.ErrNotFound)
	require.ErrorIs(t, remove(access.Owner, stranger), research.ErrNotFound)
	require.ErrorIs(t, remove(access.Owner, uuid.New()), research.ErrNotFound)
	before := len(b.seen())
	require.NoError(t, change(access.Admin, member, access.Admin))
	require.NoError(t, change(access.Owner, admin, access.Owner))
	require.NoError(t, change(access.Owner, owner, access.Viewer), "there is another owner")
	require.NoError(t, remove(access.Owner, owner))
	assert.Equal(t, []access.Notice{access.UserChanged(member), access.UserChanged(admin), access.UserChanged(owner), access.UserChanged(owner)}, b.seen()[before:])
	members, err := b.Members(b.ctx, "default")
	require.NoError(t, err)
	roles := map[uuid.UUID]access.Role{}
	for _, m := range members {
		roles[m.UserID] = m.Role
	}
	assert.Equal(t, map[uuid.UUID]access.Role{admin: access.Owner, member: access.Admin}, roles)
	has, err := b.HasOwner(b.ctx, "default")
	require.NoError(t, err)
	assert.True(t, has)
	b.exec("UPDATE users SET disabled_at = now() WHERE id = $1", admin)
	has, err = b.HasOwner(b.ctx, "default")
	require.NoError(t, err)
	assert.False(t, has, "an owner who may not log in")
}

// TestOwnersCannotRemoveEachOther lets the two owners of an account remove each other at the same time, again and again.
// Each time one of them must stay.
func TestOwnersCannotRemoveEachOther(t *testing.T) {
	b := setup(t)
	for range 20 {
		one, two := b.user("default", access.Owner), b.user("default", access.Owner)
		var wg sync.WaitGroup
		errs := make([]error, 2)
		for i, user := range []uuid.UUID{one, two} {
			wg.Go(func() {
				if i == 0 {
					errs[i] = b.RemoveMember(b.ctx, operator, access.Owner, "default", user)
				} else {
					_, errs[i] = b.ChangeRole(b.ctx, operator, access.Owner, "default", user, access.Member)
				}
			})
		}
		wg.Wait()
		failed := 0
		for _, err := range errs {
			if err != nil {
				require.ErrorIs(t, err, identities.ErrLastOwner)
				failed++
			}
		}
		require.Equal(t, 1, failed)
		b.exec("DELETE FROM memberships WHERE account_id = 'default'")
	}
}

// TestAuditLog checks that the audit log has an entry for every change, with who made it. Entries can be neither
// changed nor deleted, and the log of one account shows no entries of another account.
func TestAuditLog(t *testing.T) {
	b := setup(t)
	user := b.user("default", access.Member)
	by := identities.Actor{Kind: identities.ByUser, ID: user.String(), Address: netip.MustParseAddr("192.0.2.9")}
	_, err := b.CreateKey(b.ctx, by, identities.NewKey{ID: keyID, SecretHash: make([]byte, 32), AccountID: "default", Name: "x", Scopes: []access.Scope{access.TasksRead}})
	require.NoError(t, err)
	_, err = b.RevokeKey(b.ctx, operator, "default", keyID, nil)
	require.NoError(t, err)
	_, err = b.ChangeRole(b.ctx, operator, access.Owner, "default", user, access.Viewer)
	require.NoError(t, err)
	require.ErrorIs(t, b.RemoveMember(b.ctx, operator, access.Owner, "default", uuid.New()), research.ErrNotFound)
	require.NoError(t, b.Record(b.ctx, identities.Actor{Kind: identities.ByAnonymous}, identities.Entry{AccountID: "default", Action: "login.fail"}))

	log, err := b.Audit(b.ctx, "default", identities.AuditFilter{Limit: 100})
	require.NoError(t, err)
	var actions []string
	for _, e := range log {
		actions = append(actions, e.Action)
	}
	require.Equal(t, []string{"login.fail", "member.change", "key.revoke", "key.create"}, actions, "what was refused is not in it")
	assert.JSONEq(t, `{"from":"member","to":"viewer"}`, string(log[1].Details))
	created := log[3]
	assert.Equal(t, identities.ByUser, created.Kind)
	assert.Equal(t, user.String(), created.ActorID)
	assert.Equal(t, keyID, created.Target)
	assert.Equal(t, "192.0.2.9", created.Address.String())
	assert.Nil(t, log[0].Address)

	page, err := b.Audit(b.ctx, "default", identities.AuditFilter{Limit: 1, Before: log[1].ID})
	require.NoError(t, err)
	require.Len(t, page, 1)
	assert.Equal(t, log[2], page[0])
	page, err = b.Audit(b.ctx, "default", identities.AuditFilter{Limit: 9, Action: "key.create"})
	require.NoError(t, err)
	assert.Equal(t, log[3:], page)
	others, err := b.Audit(b.ctx, "other", identities.AuditFilter{Limit: 9})
	require.NoError(t, err)
	require.Len(t, others, 1)
	assert.Equal(t, "account.create", others[0].Action)

	for _, sql := range []string{"UPDATE audit_log SET action = 'a.b'", "DELETE FROM audit_log", "TRUNCATE audit_log"} {
		_, err := b.store.Pool().Exec(b.ctx, sql)
		require.ErrorContains(t, err, "append-only", sql)
	}
}

func TestAccounts(t *testing.T) {
	b := setup(t)
	require.ErrorIs(t, b.CreateAccount(b.ctx, operator, "other", ""), research.ErrConflict)
	b.user("other", access.Owner)
	accounts, err := b.Accounts(b.ctx)
	require.NoError(t, err)
	require.Len(t, accounts, 2)
	assert.Equal(t, "other", accounts[1].ID)
	assert.Equal(t, "The others", accounts[1].Name)
	assert.Equal(t, int64(1), accounts[1].Members)
}

// TestOtherProcessesAreTold checks that other processes are notified of a revocation after its commit.
func TestOtherProcessesAreTold(t *testing.T) {
	b := setup(t)
	conn, err := b.store.Connect(b.ctx, "test")
	require.NoError(t, err)
	defer func() { _ = conn.Close(context.Background()) }()
	_, err = conn.Exec(b.ctx, "LISTEN "+identities.Channel)
	require.NoError(t, err)
	b.key(keyID, nil)
	ctx, cancel := context.WithCancel(b.ctx)
	_, err = b.RevokeKey(ctx, operator, "default", keyID, nil)
	cancel()
	require.NoError(t, err)
	n, err := conn.WaitForNotification(b.ctx)
	require.NoError(t, err)
	assert.Equal(t, string(access.KeyChanged(keyID)), n.Payload)
}

func TestActors(t *testing.T) {
	t.Parallel()
	user := uuid.New()
	from := netip.MustParseAddr("192.0.2.9")
	for _, c := range []struct {
		p    access.Principal
		want identities.Actor
	}{
		{access.Principal{}, identities.Actor{Kind: identities.ByAnonymous, Address: from}},
		{access.Off(), identities.Actor{Kind: identities.ByAnonymous, Address: from}},
		{access.Principal{Kind: access.ByKey, KeyID: "k", UserID: &user}, identities.Actor{Kind: identities.ByKey, ID: "k", Address: from}},
		{access.Principal{Kind: access.BySession, UserID: &user}, identities.Actor{Kind: identities.ByUser, ID: user.String(), Address: from}},
		{access.Principal{Kind: access.ByToken, UserID: &user}, identities.Actor{Kind: identities.ByToken, ID: user.String(), Address: from}},
		{access.Principal{Kind: access.ByToken}, identities.Actor{Kind: identities.ByToken, Address: from}},
	} {
		assert.Equal(t, c.want, identities.ActorOf(c.p, from))
	}
}

func TestDisabledUsers(t *testing.T) {
	b := setup(t)
	user := b.user("default", access.Owner)
	b.key(keyID, &user)
	found, err := b.FindUser(b.ctx, strings.ToUpper(user.String())+"@Example.org")
	require.NoError(t, err)
	assert.Equal(t, user, found)
	_, err = b.FindUser(b.ctx, "nobody@example.org")
	require.ErrorIs(t, err, research.ErrNotFound)
	disabled := func() bool {
		k, err := b.KeyCredential(b.ctx, keyID)
		require.NoError(t, err)
		return k.Disabled
	}
	require.NoError(t, b.SetDisabled(b.ctx, operator, user, true))
	assert.True(t, disabled())
	require.NoError(t, b.SetDisabled(b.ctx, operator, user, true))
	require.NoError(t, b.SetDisabled(b.ctx, operator, user, false))
	assert.False(t, disabled())
	require.ErrorIs(t, b.SetDisabled(b.ctx, operator, uuid.New(), true), research.ErrNotFound)
	assert.Equal(t, access.UserChanged(user), b.seen()[0])
}

// TestFormerMembers checks that the keys and sessions of a member end with the membership, and are not valid again when the
// user becomes a member again. Those in other accounts stay valid.
func TestFormerMembers(t *testing.T) {
	b := setup(t)
	user := b.user("default", access.Member)
	b.exec("INSERT INTO memberships (account_id, user_id, role) VALUES ('other', $1, 'member')", user)
	b.key(keyID, &user)
	elsewhere := "fedcba9876543210"
	_, err := b.CreateKey(b.ctx, operator, identities.NewKey{ID: elsewhere, SecretHash: make([]byte, 32), AccountID: "other", UserID: &user, Name: "test", Scopes: []access.Scope{access.TasksRead}})
	require.NoError(t, err)
	sessions := map[string]uuid.UUID{}
	for _, account := range []string{"default", "other"} {
		sessions[account] = uuid.New()
		_, err := b.StartSession(b.ctx, operator, identities.NewSession{ID: sessions[account], SecretHash: make([]byte, 32), UserID: user, AccountID: account, Lifetime: time.Hour})
		require.NoError(t, err)
	}
	require.NoError(t, b.RemoveMember(b.ctx, operator, access.Owner, "default", user))
	b.exec("INSERT INTO memberships (account_id, user_id, role) VALUES ('default', $1, 'member')", user)
	gone, other := sessions["default"], sessions["other"]
	valid, err := b.Valid(b.ctx, []access.Principal{{KeyID: keyID, Role: access.Member}, {SessionID: &gone, Role: access.Member}, {KeyID: elsewhere, Role: access.Member}, {SessionID: &other, Role: access.Member}})
	require.NoError(t, err)
	assert.Equal(t, []bool{false, false, true, true}, valid)
}
