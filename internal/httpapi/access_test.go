package httpapi

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/uuid"

	"legwork/api"
	"legwork/internal/access"
	"legwork/internal/auth"
	"legwork/internal/auth/apikey"
	"legwork/internal/auth/session"
	"legwork/internal/auth/token"
	"legwork/internal/dbtest"
	"legwork/internal/research"
	"legwork/internal/store"
	"legwork/internal/store/identities"
)

// locked is an API with access control. It has the real services, the accounts default and other, and keys for every
// kind of caller.
type locked struct {
	*real
	identities *identities.Store
	auth       *auth.Authenticator
	users      map[access.Role]uuid.UUID // users of the account default, by role
}

func setupLocked(t testing.TB) *locked {
	t.Helper()
	return setupLockedOn(t, dbtest.New(t))
}

// setupLockedOn is setupLocked on an existing database. change alters the configuration of the API.
func setupLockedOn(t testing.TB, st *store.Store, change ...func(*Config)) *locked {
	t.Helper()
	ids := identities.New(st)
	entry := entry(t, ids)
	authenticator := auth.Open(ids, nil, auth.Keys{Store: ids}, session.Ticket{Store: ids, Idle: entry.Idle},
		session.Browser{Store: ids, Cookies: entry.Cookies, Idle: entry.Idle})
	if err := authenticator.Listening(t.Context()); err != nil {
		t.Fatal(err)
	}
	l := &locked{identities: ids, auth: authenticator, users: map[access.Role]uuid.UUID{}}
	l.real = setupRealOn(t, st, func(c *Config) {
		c.Identities, c.Auth, c.Logins = ids, authenticator, entry
		for _, more := range change {
			more(c)
		}
	})
	l.exec("INSERT INTO accounts (id) VALUES ('other') ON CONFLICT DO NOTHING")
	for _, role := range access.Roles {
		l.users[role] = l.user("default", role)
	}
	return l
}

func (l *locked) exec(sql string, args ...any) {
	l.t.Helper()
	if _, err := l.store.Pool().Exec(context.Background(), sql, args...); err != nil {
		l.t.Fatal(err)
	}
}

// user adds a user with a role to an account.
func (l *locked) user(account string, role access.Role) uuid.UUID {
	l.t.Helper()
	id := uuid.New()
	l.exec("INSERT INTO users (id, email) VALUES ($1, $2)", id, id.String()+"@example.org")
	l.exec("INSERT INTO memberships (account_id, user_id, role) VALUES ($1, $2, $3)", account, id, string(role))
	return id
}

// key adds a key and returns the text and the id of the key.
func (l *locked) key(k identities.NewKey) (text, id string) {
	l.t.Helper()
	made := apikey.New()
	k.ID, k.SecretHash, k.Name = made.ID, made.Hash, "test"
	if k.AccountID == "" {
		k.AccountID = research.DefaultAccount
	}
	if k.Scopes == nil {
		k.Scopes = []access.Scope{access.AdminScope}
	}
	if _, err := l.identities.CreateKey(context.Background(), identities.Actor{Kind: identities.BySystem}, k); err != nil {
		l.t.Fatal(err)
	}
	return made.Reveal(), made.ID
}

func bearer(key string) []string { return []string{"Authorization", "Bearer " + key} }

// task submits a task of an account and cancels it, because only finished tasks have files.
func (l *locked) task(account string) string {
	l.t.Helper()
	ctx := context.Background()
	task, err := l.api.server.tasks.Submit(ctx, account, research.NewTask{Question: "Who may read this?", Priority: research.Normal,
		Options: research.Options{MaxDepth: 3, MaxPages: 20, TimeBudget: time.Minute, SearchEngine: research.Library, MaxResults: 10}})
	if err == nil {
		_, err = l.api.server.tasks.Cancel(ctx, account, task.ID, "")
	}
	if err != nil {
		l.t.Fatal(err)
	}
	return task.ID.String()
}

// caller is a kind of caller, which is a column of the matrix. headers returns the request headers of such a caller. A
// session is new for each request, with a new user, because some operations end the session or erase the user.
type caller struct {
	name    string
	headers func() []string
}

// session starts a session of a new user, and returns its id and the headers of the browser. change alters the row of the session
// or of the user; $1 is the id of the session, and $2 that of the user.
func (l *locked) session(account string, role access.Role, change string) []string {
	l.t.Helper()
	user, made := l.user(account, role), token.New()
	_, err := l.identities.StartSession(context.Background(), identities.Actor{Kind: identities.BySystem}, identities.NewSession{ID: made.ID,
		SecretHash: made.Secret.Hash(), UserID: user, AccountID: account, Lifetime: time.Hour, Method: "test"})
	if err != nil {
		l.t.Fatal(err)
	}
	if change != "" {
		l.exec("WITH ids AS (SELECT $1::uuid AS session, $2::uuid AS person) "+change, made.ID, user)
	}
	return []string{"Cookie", session.CookieName + "=" + made.Text()}
}

// callers returns the callers in the order of the matrix's columns. The first ones are not let in.
func (l *locked) callers() (all []caller, notLetIn int) {
	add := func(name string, header ...string) {
		all = append(all, caller{name, func() []string { return header }})
	}
	addSession := func(name, account string, role access.Role, change string) {
		all = append(all, caller{name, func() []string { return l.session(account, role, change) }})
	}
	keyOf := func(k identities.NewKey) []string { text, _ := l.key(k); return bearer(text) }
	add("anonymous")
	add("unknown key", bearer(apikey.New().Reveal())...)
	add("malformed key", bearer("lw_secret")...)
	add("other scheme", "Authorization", "Basic dTpw")
	soon := time.Now().Add(time.Hour)
	expired, id := l.key(identities.NewKey{ExpiresAt: &soon})
	l.exec("UPDATE api_keys SET expires_at = now() - interval '1 second' WHERE id = $1", id)
	add("expired key", bearer(expired)...)
	revoked, id := l.key(identities.NewKey{})
	if _, err := l.identities.RevokeKey(context.Background(), identities.Actor{Kind: identities.BySystem}, "default", id, nil); err != nil {
		l.t.Fatal(err)
	}
	add("revoked key", bearer(revoked)...)
	add("other network", keyOf(identities.NewKey{AllowedNets: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}})...)
	left := l.user("default", access.Owner)
	leaver := keyOf(identities.NewKey{UserID: &left})
	l.exec("DELETE FROM memberships WHERE user_id = $1", left)
	add("key of one who left", leaver...)
	off := l.user("default", access.Owner)
	disabled := keyOf(identities.NewKey{UserID: &off})
	l.exec("UPDATE users SET disabled_at = now() WHERE id = $1", off)
	add("key of a disabled user", disabled...)
	add("unknown session", "Cookie", session.CookieName+"="+token.New().Text())
	add("malformed session", "Cookie", session.CookieName+"=x")
	addSession("expired session", "default", access.Owner, "UPDATE sessions SET expires_at = now() - interval '1 second' FROM ids WHERE id = ids.session")
	addSession("idle session", "default", access.Owner, "UPDATE sessions SET last_seen_at = now() - interval '2 hours' FROM ids WHERE id = ids.session")
	addSession("revoked session", "default", access.Owner, "UPDATE sessions SET revoked_at = now() FROM ids WHERE id = ids.session")
	addSession("session of one who left", "default", access.Owner, "DELETE FROM memberships USING ids WHERE user_id = ids.person")
	addSession("session of a disabled user", "default", access.Owner, "UPDATE users SET disabled_at = now() FROM ids WHERE id = ids.person")
	notLetIn = len(all)
	for _, role := range access.Roles {
		user := l.users[role]
		add("key of "+string(role), keyOf(identities.NewKey{UserID: &user})...)
	}
	for _, role := range access.Roles {
		addSession("session of "+string(role), "default", role, "")
	}
	for _, scope := range access.Scopes {
		add("key "+string(scope), keyOf(identities.NewKey{Scopes: []access.Scope{scope}})...)
	}
	stranger := l.user("other", access.Owner)
	add("key of a stranger", keyOf(identities.NewKey{AccountID: "other", UserID: &stranger})...)
	addSession("session of a stranger", "other", access.Owner, "")
	return all, notLetIn
}

// These are the rows of the matrix. They are written by hand, and not derived from internal/access. Each letter is the
// expected answer: to all callers without a valid credential; to keys of users with the roles viewer, member, admin and
// owner; to sessions of users with these roles; to keys without a user that have the scope tasks:read, tasks:write,
// library:read, library:write, metrics:read or admin; and to a key and a session of an owner of another account. "+" means let in, 1
// means 401, 3 means 403 and 4 means 404.
const (
	forEverybody    = "+ ++++ ++++ ++++++ ++"
	readsATask      = "1 ++++ ++++ ++333+ 44"
	changesATask    = "1 3+++ 3+++ 3+333+ 44"
	listsTasks      = "1 ++++ ++++ ++333+ ++"
	makesATask      = "1 3+++ 3+++ 3+333+ ++"
	ownKeys         = "1 3+++ 3+++ 33333+ ++"
	keyOfAnOperator = "1 34++ 34++ 33333+ 44"
	seesMembers     = "1 33++ 33++ 33333+ ++"
	changesAMember  = "1 33++ 33++ 33333+ 44"
	anyCredential   = "1 ++++ ++++ ++++++ ++"
	sessionOnly     = "1 3333 ++++ 333333 3+"
	sessionOnlyNone = "1 3333 4444 333333 34" // as sessionOnly, but what is asked for does not exist or is not configured
	notConfigured   = "4 4444 4444 444444 44" // a public operation of something that is not configured on this server
)

// matrix returns the row of every operation, by operationId.
func matrix() map[string]string {
	return map[string]string{
		"getRoot": forEverybody, "getHealth": forEverybody, "getLiveness": forEverybody, "getReadiness": forEverybody,
		"getContractYAML": forEverybody, "getContractJSON": forEverybody,
		"getMetrics": "1 33++ 33++ 3333++ 33", "getLogLevel": "1 33++ 33++ 33333+ 33", "setLogLevel": "1 333+ 333+ 33333+ 33",
		"createTask": makesATask, "listTasks": listsTasks, "listHistory": listsTasks,
		"getTask": readsATask, "listEvents": readsATask, "listArtifacts": readsATask, "getTaskArtifact": readsATask, "getArtifact": readsATask,
		"listPages": readsATask, "getPage": readsATask, "getScreenshot": readsATask,
		"deleteTask": changesATask, "cancelTask": changesATask, "rerunTask": changesATask, "confirmPlan": changesATask, "getTree": readsATask,
		"getLimits": listsTasks, "setLimits": "1 333+ 333+ 33333+ ++",
		"listKeys": ownKeys, "createKey": ownKeys, "revokeKey": keyOfAnOperator,
		"listMembers": seesMembers, "listAudit": seesMembers, "changeMember": changesAMember, "removeMember": changesAMember,

		"getLoginMethods": forEverybody, "logIn": forEverybody, "acceptInvitation": forEverybody,
		"getProtectedResource": notConfigured, "startPasskeyLogin": notConfigured, "logInByPasskey": notConfigured, "startOpenIDLogin": notConfigured, "finishOpenIDLogin": notConfigured,
		"getMe": anyCredential, "logOut": anyCredential, "createStreamTicket": listsTasks,
		"listPasskeys": sessionOnly, "startPasskeyRegistration": sessionOnlyNone, "registerPasskey": sessionOnlyNone, "removePasskey": sessionOnlyNone,
		"changePassword": sessionOnly, "listSessions": sessionOnly, "revokeSession": sessionOnlyNone, "switchAccount": "1 3333 ++++ 333333 34",
		"exportMe": sessionOnly, "eraseMe": sessionOnly,
		"listInvitations": seesMembers, "createInvitation": seesMembers, "revokeInvitation": changesAMember,

		// The requests are not WebSocket handshakes, so the server refuses them before it looks for the task.
		// TestStreamsOfStrangers sends handshakes.
		"streamTask": listsTasks,
	}
}

// bodyOf returns a valid request body for an operation that needs one.
func bodyOf(operation string) string {
	return map[string]string{
		"createTask": `{"question":"Who may ask?"}`, "createKey": `{"name":"k","scopes":["tasks:read"]}`, "changeMember": `{"role":"viewer"}`,
		"changePassword": `{"currentPassword":"x","newPassword":"seven ravens over Reykjavik"}`, "switchAccount": `{"accountId":"default"}`, "eraseMe": `{}`,
		"setLogLevel": `{"level":"info"}`, "setLimits": `{}`, "createInvitation": `{"role":"viewer"}`, "acceptInvitation": `{"token":"none"}`, "logIn": `{"email":"nobody@example.org","password":"secret"}`,
	}[operation]
}

// operation is an operation of the contract.
type operation struct{ id, method, path string }

func contractOperations(t *testing.T) []operation {
	t.Helper()
	known, err := operations()
	if err != nil {
		t.Fatal(err)
	}
	var out []operation
	for route, id := range known {
		method, path, _ := strings.Cut(route, " ")
		out = append(out, operation{id, method, path})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].id < out[j].id })
	return out
}

// fill replaces the parameters of a path by ids of new things of the account default.
func (l *locked) fill(op operation, task string) string {
	l.t.Helper()
	path := op.path
	if strings.HasPrefix(path, "/api/keys/") {
		_, id := l.key(identities.NewKey{})
		path = strings.ReplaceAll(path, "{id}", id)
	}
	if strings.HasPrefix(path, "/api/invitations/") {
		path = strings.ReplaceAll(path, "{id}", l.invite(access.Viewer).ID.String())
	}
	if strings.Contains(path, "{userId}") {
		path = strings.ReplaceAll(path, "{userId}", l.user("default", access.Viewer).String())
	}
	path = strings.NewReplacer("{id}", task, "{name}", "result.json", "{filename}", "1.png", "{pageId}", pageOfTask()).Replace(path)
	if strings.Contains(path, "{") {
		l.t.Fatalf("%s: this test does not know what to put into %s", op.id, op.path)
	}
	return path
}

// TestMatrix calls every operation of the contract as every kind of caller.
func TestMatrix(t *testing.T) {
	t.Parallel()
	l := setupLocked(t)
	callers, notLetIn := l.callers()
	rows := matrix()
	shared := l.finished("default")
	for _, op := range contractOperations(t) {
		row := strings.ReplaceAll(rows[op.id], " ", "")
		delete(rows, op.id)
		if len(row) != len(callers)-notLetIn+1 {
			t.Errorf("%s has no row in the matrix, or one that is too short: say who may call it", op.id)
			continue
		}
		for i, c := range callers {
			task := shared
			if op.method != http.MethodGet {
				task = l.task("default")
			}
			want := row[max(0, i-notLetIn+1)]
			res := l.do(op.method, l.fill(op, task), strings.NewReader(bodyOf(op.id)), append([]string{"Content-Type", "application/json"}, c.headers()...)...)
			if got := verdict(res); got != want {
				t.Errorf("%s by %s: %d, so %c; want %c: %s", op.id, c.name, res.status, got, want, res.body)
			}
		}
	}
	for id := range rows {
		t.Errorf("the contract has no operation %s", id)
	}
}

// textOfPage is the text of the page that finished stores.
const textOfPage = "A page."

// pageOfTask returns the id of the page that finished stores.
func pageOfTask() string { return fmt.Sprintf("%x", sha256.Sum256([]byte(textOfPage))) }

// finished makes a finished task that also has a screenshot, 1.png, and a page, pageOfTask.
func (l *locked) finished(account string) string {
	l.t.Helper()
	task := l.task(account)
	l.exec(`WITH page AS (
			INSERT INTO pages (sha256, title, language, config, chars, content)
			VALUES (sha256(convert_to($3, 'UTF8')), 'Title', 'en', 'english', char_length($3), $3) RETURNING id
		) INSERT INTO visits (id, account_id, task_id, page_id, url, final_url, outcome, message, status, title, depth, bytes, millis, fetched_at)
		SELECT gen_random_uuid(), $2, $1, id, 'https://a.example/', 'https://a.example/', 'ok', '', 200, 'Title', 0, 7, 1, now() FROM page`, task, account, textOfPage)
	picture := []byte("\x89PNG\r\n\x1a\n")
	if err := l.files.Write(context.Background(), uuid.MustParse(task), "1.png", "image/png", picture); err != nil {
		l.t.Fatal(err)
	}
	l.exec("INSERT INTO artifacts (task_id, name, kind, content_type, bytes) VALUES ($1, '1.png', 'screenshot', 'image/png', $2)", task, len(picture))
	return task
}

// verdict returns the letter of the matrix for an answer. It returns 1 and 3 only for refusals because of missing
// rights.
func verdict(res response) byte {
	var e api.Error
	_ = json.Unmarshal(res.body, &e) // the body may be something other than JSON
	switch {
	case res.status == http.StatusUnauthorized && e.ErrorCode == "unauthenticated" && strings.HasPrefix(res.header.Get("Www-Authenticate"), "Bearer"):
		return '1'
	case slices.Contains([]string{"login_failed", "login_locked", "invitation_gone", "no_password"}, e.ErrorCode): // access control let the caller in; only the login failed
		return '+'
	case e.ErrorCode == "auth_off":
		return '3'
	case res.status == http.StatusForbidden && (e.ErrorCode == "forbidden" || e.ErrorCode == "insufficient_scope" || e.ErrorCode == "session_required"):
		return '3'
	case res.status == http.StatusNotFound && e.ErrorCode == "not_found":
		return '4'
	case res.status < 300, e.ErrorCode == "upgrade_required", res.status == http.StatusConflict: // a task without a plan that waits

		return '+'
	}
	return '?'
}

// TestOffLetsEverybodyIn calls every operation without a credential while access control is off.
func TestOffLetsEverybodyIn(t *testing.T) {
	t.Parallel()
	st := dbtest.New(t)
	l := setupLockedOn(t, st)
	open := &locked{real: setupRealOn(t, st, func(c *Config) { c.Identities = l.identities; c.Logins.Off, c.Logins.Store = true, l.identities }), identities: l.identities, users: l.users}
	for _, op := range contractOperations(t) {
		want := byte('+')
		switch {
		case op.id == "getScreenshot", op.id == "getPage":
			want = '4'
		case strings.HasSuffix(op.id, "OpenIDLogin"), op.id == "startPasskeyLogin", op.id == "logInByPasskey", op.id == "getProtectedResource":
			want = '4'
		case access.Rules()[op.id].Session, op.id == "logIn", op.id == "acceptInvitation":
			want = '3'
		}
		res := open.do(op.method, open.fill(op, open.task("default")), strings.NewReader(bodyOf(op.id)), "Content-Type", "application/json")
		if got := verdict(res); got != want {
			t.Errorf("%s: %d, so %c; want %c: %s", op.id, res.status, got, want, res.body)
		}
	}
}

// TestStreamsOfStrangers opens streams with credentials that have no right to the task.
func TestStreamsOfStrangers(t *testing.T) {
	t.Parallel()
	l := setupLocked(t)
	id := l.task("default")
	owner, _ := l.key(identities.NewKey{})
	stranger, _ := l.key(identities.NewKey{AccountID: "other"})
	library, _ := l.key(identities.NewKey{Scopes: []access.Scope{access.LibraryWrite}})

	s := l.dial("/api/tasks/"+id+"/stream", bearer(owner)...)
	s.want(1, 2)
	s.wantClose(websocket.StatusNormalClosure)

	s = l.dial("/api/tasks/"+id+"/stream", bearer(stranger)...)
	_, frame, err := s.Read(s.ctx)
	if err != nil || !strings.Contains(string(frame), research.CodeNotFound) || strings.Contains(string(frame), "Who may read this?") {
		t.Errorf("a stranger reads %s, %v", frame, err)
	}
	s.wantClose(websocket.StatusPolicyViolation)

	for name, c := range map[string]struct {
		headers []string
		status  int
		code    string
	}{
		"anonymous": {nil, 401, "unauthenticated"}, "library": {bearer(library), 403, "insufficient_scope"},
	} {
		res := l.get("/api/tasks/"+id+"/stream", append(append([]string{}, websocketHeaders...), c.headers...)...)
		res.wantError(c.status, c.code)
		res = l.get("/api/tasks/"+id+"/events", append([]string{"Accept", "text/event-stream"}, c.headers...)...)
		if res.wantError(c.status, c.code); res.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %v", name, res.header)
		}
	}
	l.get("/api/tasks/"+id+"/events", append([]string{"Accept", "text/event-stream"}, bearer(stranger)...)...).wantError(404, "not_found")
}

// TestListsOfStrangers checks that lists and counts include only what belongs to the caller's account.
func TestListsOfStrangers(t *testing.T) {
	t.Parallel()
	l := setupLocked(t)
	l.task("default")
	stranger, strangerID := l.key(identities.NewKey{AccountID: "other"})
	var list api.TaskList
	l.get("/api/tasks", bearer(stranger)...).into(200, &list)
	if len(list.Tasks) != 0 || list.Total != 0 {
		t.Errorf("a stranger lists %+v", list)
	}
	if res := l.get("/api/history", bearer(stranger)...); strings.TrimSpace(string(res.body)) != "[]" {
		t.Errorf("history of a stranger: %s", res.body)
	}
	var keys api.APIKeyList
	l.get("/api/keys", bearer(stranger)...).into(200, &keys)
	if len(keys.Keys) != 1 || keys.Keys[0].ID != strangerID {
		t.Errorf("keys of a stranger: %+v", keys)
	}
	var members api.MemberList
	if l.get("/api/members", bearer(stranger)...).into(200, &members); len(members.Members) != 0 {
		t.Errorf("members for a stranger: %+v", members)
	}
	var log api.AuditLog
	l.get("/api/audit", bearer(stranger)...).into(200, &log)
	for _, e := range log.Entries {
		if e.Target != strangerID {
			t.Errorf("a stranger reads of %+v", e)
		}
	}
}

// TestIdempotencyKeysOfStrangers checks that the use of an Idempotency-Key by another account has no effect, and that a
// follow-up of another account's task is refused like a follow-up of a task that does not exist.
func TestIdempotencyKeysOfStrangers(t *testing.T) {
	t.Parallel()
	l := setupLocked(t)
	owner, _ := l.key(identities.NewKey{})
	stranger, _ := l.key(identities.NewKey{AccountID: "other"})
	var first, theirs api.Task
	l.post("/api/tasks", `{"question":"a"}`, append(bearer(owner), "Idempotency-Key", "k1")...).into(201, &first)
	res := l.post("/api/tasks", `{"question":"b"}`, append(bearer(stranger), "Idempotency-Key", "k1")...)
	if res.into(201, &theirs); theirs.TaskID == first.TaskID || res.header.Get("Idempotency-Replayed") != "" {
		t.Errorf("the key of another account was probed: %v %s", res.header, res.body)
	}
	body := func(parent string) string { return fmt.Sprintf(`{"question":"c","parentTaskId":%q}`, parent) }
	foreign := l.post("/api/tasks", body(first.TaskID), bearer(stranger)...).wantError(422, "validation_error", "parentTaskId")
	none := l.post("/api/tasks", body(uuid.Nil.String()), bearer(stranger)...).wantError(422, "validation_error", "parentTaskId")
	if strings.ReplaceAll(foreign.Error, first.TaskID, "") != strings.ReplaceAll(none.Error, uuid.Nil.String(), "") {
		t.Errorf("%q and %q differ", foreign.Error, none.Error)
	}
}

// TestTaskKnowsItsAuthor checks that a task names the user and the key that submitted it.
func TestTaskKnowsItsAuthor(t *testing.T) {
	t.Parallel()
	l := setupLocked(t)
	user := l.users[access.Member]
	personal, personalID := l.key(identities.NewKey{UserID: &user})
	machine, machineID := l.key(identities.NewKey{})
	for key, want := range map[string]api.Author{personal: {KeyID: &personalID, UserID: ptr(user.String())}, machine: {KeyID: &machineID}} {
		var made, read, again api.Task
		l.post("/api/tasks", `{"question":"a"}`, bearer(key)...).into(201, &made)
		l.get("/api/tasks/"+made.TaskID, bearer(key)...).into(200, &read)
		l.do("POST", "/api/tasks/"+made.TaskID+"/rerun", nil, bearer(machine)...).into(201, &again)
		for _, task := range []api.Task{made, read} {
			if task.CreatedBy == nil || text(task.CreatedBy.KeyID) != text(want.KeyID) || text(task.CreatedBy.UserID) != text(want.UserID) {
				t.Errorf("created by %+v, want %+v", task.CreatedBy, want)
			}
		}
		if again.CreatedBy == nil || text(again.CreatedBy.KeyID) != machineID || again.CreatedBy.UserID != nil {
			t.Errorf("run again by %+v", again.CreatedBy)
		}
	}
}

func ptr[T any](v T) *T { return &v }

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// TestHealthForAnonymousCallers checks that anonymous callers get only the status of the service, and members get the
// whole answer.
func TestHealthForAnonymousCallers(t *testing.T) {
	t.Parallel()
	l := setupLocked(t)
	for _, header := range [][]string{nil, bearer(apikey.New().Reveal())} {
		if res := l.get("/health", header...); res.status != 200 || strings.TrimSpace(string(res.body)) != `{"status":"healthy"}` {
			t.Errorf("%d %s", res.status, res.body)
		}
		if res := l.get("/", header...); res.status != 200 || strings.Contains(string(res.body), "1.2.3") {
			t.Errorf("%d %s", res.status, res.body)
		}
	}
	key, _ := l.key(identities.NewKey{Scopes: []access.Scope{access.LibraryRead}})
	var h api.Health
	if l.get("/health", bearer(key)...).into(200, &h); h.Version != "1.2.3" {
		t.Errorf("%+v", h)
	}
}
