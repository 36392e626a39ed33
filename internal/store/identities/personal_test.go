package identities_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"legwork/internal/access"
	"legwork/internal/dbtest"
	"legwork/internal/research"
	"legwork/internal/store/identities"
)

const ada = "ada.lovelace@example.org"

// person stores a member of the account default, and one row of every kind that is about a person.
func (b *bundle) person(role access.Role) uuid.UUID {
	b.t.Helper()
	id, session := uuid.New(), uuid.New()
	require.NoError(b.t, b.CreateUser(b.ctx, operator, identities.NewUser{ID: id, Email: ada, Name: "Ada Lovelace", PasswordHash: "$argon2id$x"}, "default", role))
	require.NoError(b.t, b.AddIdentity(b.ctx, operator, id, "https://issuer.example", "subject-of-ada"))
	require.NoError(b.t, b.AddPasskey(b.ctx, operator, id, identities.Passkey{ID: []byte("device"), Name: "Telephone of Ada", Credential: []byte(`{}`)}))
	_, err := b.StartSession(b.ctx, operator, identities.NewSession{ID: session, SecretHash: make([]byte, 32), UserID: id, AccountID: "default", Lifetime: time.Hour,
		Address: netip.MustParseAddr("198.51.100.77"), UserAgent: "Browser of Ada", Method: "password"})
	require.NoError(b.t, err)
	b.key(keyID, &id)
	require.NoError(b.t, b.CreateTicket(b.ctx, make([]byte, 32), access.Principal{Kind: access.BySession, SessionID: &session, UserID: &id, AccountID: "default"}))
	_, err = b.CountAttempt(b.ctx, "email:"+ada, identities.Lockout{Free: 5, Base: time.Second, Most: time.Minute})
	require.NoError(b.t, err)
	for i, to := range []string{ada, "grace@example.org"} {
		_, err = b.CreateInvitation(b.ctx, operator, access.Owner, identities.NewInvitation{ID: uuid.New(), SecretHash: append(make([]byte, 31), byte(i)), AccountID: "default",
			Email: to, Role: access.Member, CreatedBy: &id, Lifetime: time.Hour})
		require.NoError(b.t, err)
	}
	b.exec("INSERT INTO login_challenges (secret_hash, kind, user_id, box, expires_at) VALUES ($1, 'passkey_registration', $2, sha512('x'), now() + interval '1 hour')", make([]byte, 32), id)
	require.NoError(b.t, b.Record(b.ctx, identities.Actor{Kind: identities.ByUser, ID: id.String()}, identities.Entry{AccountID: "default", Action: "key.create", Target: keyID}))
	return id
}

// task stores a task that a user submitted with a key.
func (b *bundle) task(user uuid.UUID, key string) uuid.UUID {
	b.t.Helper()
	id := uuid.New()
	require.NoError(b.t, b.store.InTx(b.ctx, func(ctx context.Context, tx pgx.Tx) error {
		var job int64
		err := tx.QueryRow(ctx, `INSERT INTO river_job (kind, max_attempts, args) VALUES ('test', 1, '{}') RETURNING id`).Scan(&job)
		if err != nil {
			return err
		}
		_, _, err = b.store.For("default").CreateTask(ctx, tx, id, research.NewTask{Question: "What is an engine?", Priority: research.Normal,
			By:      research.Author{UserID: &user, KeyID: key},
			Options: research.Options{MaxDepth: 3, MaxPages: 20, TimeBudget: time.Minute, SearchEngine: research.Library, MaxResults: 10}}, job, dbtest.FirstEvent)
		return err
	}))
	return id
}

// dump returns every row of every table, by table.
func (b *bundle) dump() map[string][]string {
	b.t.Helper()
	rows, err := b.store.Pool().Query(b.ctx, "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'")
	require.NoError(b.t, err)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(b.t, err)
	out := map[string][]string{}
	for _, table := range tables {
		rows, err := b.store.Pool().Query(b.ctx, fmt.Sprintf("SELECT to_jsonb(t)::text FROM %s t", pgx.Identifier{table}.Sanitize()))
		require.NoError(b.t, err)
		out[table], err = pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(b.t, err)
	}
	return out
}

// tablesWith returns the tables that have a row that contains a text. It ignores case.
func (b *bundle) tablesWith(text string) (tables []string) {
	for table, rows := range b.dump() {
		if strings.Contains(strings.ToLower(strings.Join(rows, "\n")), strings.ToLower(text)) {
			tables = append(tables, table)
		}
	}
	return tables
}

func TestEraseLeavesNothing(t *testing.T) {
	b := setup(t)
	id := b.person(access.Member)
	task := b.task(id, keyID)
	traces := []string{ada, "lovelace", "subject-of-ada", "Telephone of Ada", "Browser of Ada", "198.51.100.77", "argon2id"}
	for _, trace := range traces {
		require.NotEmpty(t, b.tablesWith(trace), "the test looks for %s, which is not there before", trace)
	}
	require.NoError(t, b.Erase(b.ctx, identities.Actor{Kind: identities.ByUser, ID: id.String()}, id))
	for _, trace := range traces {
		assert.Empty(t, b.tablesWith(trace), trace)
	}
	assert.ElementsMatch(t, []string{"users", "audit_log"}, b.tablesWith(id.String()), "tables with the id")
	dump := b.dump()
	for _, table := range []string{"sessions", "api_keys", "identities", "passkeys", "memberships", "stream_tickets", "login_challenges", "login_attempts", "invitations"} {
		assert.Empty(t, dump[table], table)
	}
	assert.Equal(t, 1, strings.Count(strings.Join(dump["audit_log"], ""), `"user.erase"`))
	assert.Equal(t, 1, strings.Count(strings.Join(dump["tasks"], ""), task.String()), "the task stays with the account")
	assert.Equal(t, access.UserChanged(id), b.seen()[len(b.seen())-1])

	require.ErrorIs(t, b.Erase(b.ctx, operator, id), research.ErrNotFound)
	_, err := b.Export(b.ctx, operator, id)
	require.ErrorIs(t, err, research.ErrNotFound)
	require.ErrorIs(t, b.SetDisabled(b.ctx, operator, id, false), research.ErrNotFound)
	require.ErrorIs(t, b.AddIdentity(b.ctx, operator, id, "https://issuer.example", "subject-of-ada"), research.ErrNotFound, "a login that was going on")
	require.NoError(t, b.CreateUser(b.ctx, operator, identities.NewUser{ID: uuid.New(), Email: ada}, "default", access.Viewer), "the address is free again")
}

// TestErasureAndLogin begins a session while the user is being erased. Whichever comes first, nothing may be left of the
// user.
func TestErasureAndLogin(t *testing.T) {
	b := setup(t)
	for range 10 {
		id := b.user("default", access.Member)
		done := make(chan error, 1)
		go func() {
			_, err := b.StartSession(b.ctx, operator, identities.NewSession{ID: uuid.New(), SecretHash: make([]byte, 32), UserID: id, AccountID: "default", Lifetime: time.Hour})
			done <- err
		}()
		require.NoError(t, b.Erase(b.ctx, operator, id))
		if err := <-done; err != nil {
			require.ErrorIs(t, err, research.ErrNotFound)
		}
	}
	assert.Empty(t, b.dump()["sessions"])
}

func TestLastOwnersAreNotErased(t *testing.T) {
	b := setup(t)
	owner, member := b.user("other", access.Owner), b.user("other", access.Member)
	var last identities.LastOwnerOf
	require.ErrorAs(t, b.Erase(b.ctx, operator, owner), &last, "an account with another member")
	assert.Equal(t, "other", last.Account)
	require.ErrorIs(t, last, identities.ErrLastOwner)
	require.NoError(t, b.Erase(b.ctx, operator, member))
	require.NoError(t, b.Erase(b.ctx, operator, owner), "nobody else uses the account")

	owner = b.user("default", access.Owner)
	b.task(owner, "")
	require.ErrorAs(t, b.Erase(b.ctx, operator, owner), &last, "an account with tasks")
	second := b.user("default", access.Owner)
	require.NoError(t, b.Erase(b.ctx, operator, owner))
	require.ErrorAs(t, b.Erase(b.ctx, operator, second), &last)
	assert.Empty(t, b.tablesWith("erased-"+second.String()), "a refusal changes nothing")
}

func TestExport(t *testing.T) {
	b := setup(t)
	id := b.person(access.Member)
	task := b.task(id, "")
	b.task(b.user("default", access.Member), "")
	document, err := b.Export(b.ctx, operator, id)
	require.NoError(t, err)
	var got struct {
		User                                                                         map[string]any
		Memberships, Identities, Sessions, Keys, Passkeys, Invitations, Audit, Tasks []map[string]any
		Complete                                                                     bool
	}
	require.NoError(t, json.Unmarshal(document, &got))
	assert.Equal(t, ada, got.User["email"])
	assert.Equal(t, "Ada Lovelace", got.User["name"])
	assert.True(t, got.Complete)
	for what, rows := range map[string][]map[string]any{"memberships": got.Memberships, "identities": got.Identities, "sessions": got.Sessions, "keys": got.Keys,
		"passkeys": got.Passkeys, "audit": got.Audit, "tasks": got.Tasks} {
		assert.Len(t, rows, 1, what)
	}
	assert.Len(t, got.Invitations, 2)
	assert.Equal(t, task.String(), got.Tasks[0]["id"])
	assert.Equal(t, "198.51.100.77", got.Sessions[0]["address"])
	for _, secret := range []string{"argon2id", "secret", "hash", "credential"} {
		assert.NotContains(t, strings.ToLower(string(document)), secret)
	}
	assert.Contains(t, strings.Join(b.dump()["audit_log"], ""), "user.export")
}
