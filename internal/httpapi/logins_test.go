package httpapi

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/uuid"

	"legwork/api"
	"legwork/internal/access"
	"legwork/internal/auth"
	bearertokens "legwork/internal/auth/bearer"
	"legwork/internal/auth/login"
	"legwork/internal/auth/openid"
	"legwork/internal/auth/openid/openidtest"
	"legwork/internal/auth/password"
	"legwork/internal/auth/session"
	"legwork/internal/auth/token"
	"legwork/internal/dbtest"
	"legwork/internal/forwarded"
	"legwork/internal/httpapi/logins"
	"legwork/internal/research"
	"legwork/internal/store/identities"
)

const (
	testPassword = "correct horse battery staple"
	publicURL    = "http://localhost:8000"
)

// entry returns a configuration that allows logins by password. Its password hash is weak, so that tests are fast.
func entry(t testing.TB, ids *identities.Store) logins.Config {
	t.Helper()
	hasher, err := password.NewHasher(password.Params{MemoryKiB: 64, Passes: 1, Lanes: 1}, 4)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	return logins.Config{Store: ids, Logins: login.New(ids, hasher, time.Hour, log), Idle: time.Hour, Passwords: true, OpenIDName: "Example", PublicURL: publicURL, Log: log,
		Cookies: session.Cookies{Secure: func(r *http.Request) bool { return forwarded.From(r.Context()).Secure }}}
}

// person adds a user with the password testPassword.
func (l *locked) person(email string, role access.Role) uuid.UUID {
	l.t.Helper()
	made, err := l.api.server.Logins.NewUser(context.Background(), email, "A Person", testPassword)
	if err != nil {
		l.t.Fatal(err)
	}
	if err := l.identities.CreateUser(context.Background(), identities.Actor{Kind: identities.ByOperator}, made, research.DefaultAccount, role); err != nil {
		l.t.Fatal(err)
	}
	return made.ID
}

// invite creates an invitation into the account default, as an operator would.
func (l *locked) invite(role access.Role) token.Token {
	l.t.Helper()
	made := token.New()
	_, err := l.identities.CreateInvitation(context.Background(), identities.Actor{Kind: identities.ByOperator}, access.Owner, identities.NewInvitation{
		ID: made.ID, SecretHash: made.Secret.Hash(), AccountID: research.DefaultAccount, Role: role, Lifetime: time.Hour})
	if err != nil {
		l.t.Fatal(err)
	}
	return made
}

// cookie returns the cookie with this name that an answer sets.
func (r response) cookie(name string) *http.Cookie {
	r.t.Helper()
	for _, c := range (&http.Response{Header: r.header}).Cookies() {
		if c.Name == name {
			return c
		}
	}
	r.t.Fatalf("the answer %d sets no cookie %s: %v %s", r.status, name, r.header, r.body)
	return nil
}

// withCookie returns the request header of a browser that has a cookie.
func withCookie(c *http.Cookie) []string { return []string{"Cookie", c.Name + "=" + c.Value} }

// logIn logs a person in, and returns the request header of the browser.
func (l *locked) logIn(email string) []string {
	l.t.Helper()
	res := l.post("/api/auth/login", fmt.Sprintf(`{"email":%q,"password":%q}`, email, testPassword))
	if res.status != http.StatusOK {
		l.t.Fatalf("login: %d %s", res.status, res.body)
	}
	return withCookie(res.cookie(session.CookieName))
}

func TestLogIn(t *testing.T) {
	t.Parallel()
	l := setupLocked(t)
	l.person("ada@example.org", access.Member)
	res := l.post("/api/auth/login", `{"email":" Ada@Example.org","password":"correct horse battery staple"}`)
	var me api.Me
	res.into(200, &me)
	if me.Kind != "session" || me.AccountID != "default" || me.Role != "member" || me.User.Email != "ada@example.org" || len(me.Accounts) != 1 || me.ExpiresAt == nil {
		t.Errorf("%s", res.body)
	}
	c := res.cookie(session.CookieName)
	if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Secure || c.Domain != "" {
		t.Errorf("cookie %s", c.Raw)
	}
	if strings.Contains(string(res.body), c.Value) || strings.Contains(l.log.String(), c.Value) {
		t.Error("the session's secret is not only in the cookie")
	}
	var again api.Me
	l.get("/api/auth/me", withCookie(c)...).into(200, &again)
	l.get("/api/tasks", withCookie(c)...).into(200, &api.TaskList{})
	l.get("/api/tasks").wantError(401, "unauthenticated")

	// An unknown address, a wrong password and a malformed address get the same answer.
	wrong := l.post("/api/auth/login", `{"email":"ada@example.org","password":"x"}`).wantError(401, "login_failed")
	for _, email := range []string{"eve@example.org", "no address"} {
		if e := l.post("/api/auth/login", fmt.Sprintf(`{"email":%q,"password":"x"}`, email)).wantError(401, "login_failed"); e.Error != wrong.Error {
			t.Errorf("%q and %q differ", e.Error, wrong.Error)
		}
	}
	for body, fields := range map[string][]string{
		`{}`: {"email", "password"}, `{"email":1,"password":"x"}`: {"email"}, `[]`: {"body"}, `{"email":"a@b","password":"\u0000"}`: {"password"},
		fmt.Sprintf(`{"email":"a@b","password":%q}`, strings.Repeat("x", 600)): {"password"},
	} {
		l.post("/api/auth/login", body).wantError(422, "validation_error", fields...)
	}
	l.do("POST", "/api/auth/login", strings.NewReader("email=a"), "Content-Type", "application/x-www-form-urlencoded").wantError(415, "unsupported_media_type")
	res = l.post("/api/auth/login", `{"email":"ada@example.org","password":"x"}`, "Sec-Fetch-Site", "cross-site")
	res.wantError(403, "cross_site_refused")
}

func TestLoginsAreLockedOut(t *testing.T) {
	t.Parallel()
	l := setupLocked(t)
	for range 5 {
		l.post("/api/auth/login", `{"email":"ada@example.org","password":"x"}`).wantError(401, "login_failed")
	}
	res := l.post("/api/auth/login", `{"email":"ada@example.org","password":"x"}`)
	res.wantError(429, "login_locked")
	if after := res.header.Get("Retry-After"); after == "" || after == "0" {
		t.Errorf("Retry-After %q", after)
	}
}

// TestCookiesBehindTLS checks that behind a proxy that ends TLS the cookie is secure and bound to this host, and that
// the server accepts only such a cookie.
func TestCookiesBehindTLS(t *testing.T) {
	t.Parallel()
	st := dbtest.New(t)
	l := setupLockedOn(t, st, func(c *Config) {
		c.Proxies.Trusted = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	})
	l.person("ada@example.org", access.Member)
	res := l.post("/api/auth/login", fmt.Sprintf(`{"email":"ada@example.org","password":%q}`, testPassword), "X-Forwarded-For", "192.0.2.7", "X-Forwarded-Proto", "https")
	c := res.cookie("__Host-legwork_session")
	if !c.Secure || !c.HttpOnly || c.Path != "/" {
		t.Errorf("cookie %s", c.Raw)
	}
	tls := []string{"X-Forwarded-For", "192.0.2.7", "X-Forwarded-Proto", "https"}
	var list api.SessionList
	l.get("/api/auth/sessions", append(withCookie(c), tls...)...).into(200, &list)
	if text(list.Sessions[0].Address) != "192.0.2.7" {
		t.Errorf("%+v", list)
	}
	plain := *c
	plain.Name = session.CookieName
	l.get("/api/auth/me", append(withCookie(&plain), tls...)...).wantError(401, "unauthenticated")
}

func TestLogOut(t *testing.T) {
	t.Parallel()
	l := setupLocked(t)
	l.person("ada@example.org", access.Member)
	mine, other := l.logIn("ada@example.org"), l.logIn("ada@example.org")
	res := l.post("/api/auth/logout", "", mine...)
	if c := res.cookie(session.CookieName); res.status != 204 || c.MaxAge >= 0 || c.Value != "" {
		t.Errorf("%d %s", res.status, c.Raw)
	}
	l.get("/api/auth/me", mine...).wantError(401, "unauthenticated")
	l.get("/api/auth/me", other...).into(200, &api.Me{})
}

// TestSessionsOfOthers checks that people can list and end only their own sessions. Sessions of others are treated as
// missing.
func TestSessionsOfOthers(t *testing.T) {
	t.Parallel()
	l := setupLocked(t)
	l.person("ada@example.org", access.Owner)
	l.person("bob@example.org", access.Viewer)
	ada, second, bob := l.logIn("ada@example.org"), l.logIn("ada@example.org"), l.logIn("bob@example.org")
	var mine, theirs api.SessionList
	l.get("/api/auth/sessions", ada...).into(200, &mine)
	l.get("/api/auth/sessions", bob...).into(200, &theirs)
	if len(mine.Sessions) != 2 || len(theirs.Sessions) != 1 || !theirs.Sessions[0].Current {
		t.Fatalf("%+v %+v", mine, theirs)
	}
	l.do("DELETE", "/api/auth/sessions/"+theirs.Sessions[0].ID, nil, ada...).wantError(404, "not_found")
	l.do("DELETE", "/api/auth/sessions/nonsense", nil, ada...).wantError(404, "not_found")
	for _, s := range mine.Sessions {
		if !s.Current {
			if res := l.do("DELETE", "/api/auth/sessions/"+s.ID, nil, ada...); res.status != 204 {
				t.Errorf("%d %s", res.status, res.body)
			}
		}
	}
	l.get("/api/auth/me", second...).wantError(401, "unauthenticated")
	l.get("/api/auth/me", ada...).into(200, &api.Me{})
}

func TestChangePasswordAndSwitchAccount(t *testing.T) {
	t.Parallel()
	l := setupLocked(t)
	id := l.person("ada@example.org", access.Viewer)
	mine, other := l.logIn("ada@example.org"), l.logIn("ada@example.org")
	body := func(current, next string) string {
		return fmt.Sprintf(`{"currentPassword":%q,"newPassword":%q}`, current, next)
	}
	l.post("/api/auth/password", body("wrong", "seven ravens over Reykjavik"), mine...).wantError(401, "login_failed")
	l.post("/api/auth/password", body(testPassword, "password1234"), mine...).wantError(422, "validation_error", "newPassword")
	if res := l.post("/api/auth/password", body(testPassword, "seven ravens over Reykjavik"), mine...); res.status != 204 {
		t.Errorf("%d %s", res.status, res.body)
	}
	l.get("/api/auth/me", other...).wantError(401, "unauthenticated")

	put := func(account string) response {
		return l.do("PUT", "/api/auth/account", strings.NewReader(fmt.Sprintf(`{"accountId":%q}`, account)), append([]string{"Content-Type", "application/json"}, mine...)...)
	}
	put("other").wantError(404, "not_found")
	put("nowhere").wantError(404, "not_found")
	l.exec("INSERT INTO memberships (account_id, user_id, role) VALUES ('other', $1, 'admin')", id)
	var me api.Me
	if put("other").into(200, &me); me.AccountID != "other" || me.Role != "admin" || len(me.Accounts) != 2 {
		t.Errorf("%+v", me)
	}
	l.get("/api/members", mine...).into(200, &api.MemberList{}) // the principal of the previous account must not stay in a cache, because it would be refused
}

func TestInvitations(t *testing.T) {
	t.Parallel()
	l := setupLocked(t)
	l.person("ada@example.org", access.Admin)
	ada := l.logIn("ada@example.org")
	l.post("/api/invitations", `{"role":"owner"}`, ada...).wantError(403, "role_too_high")
	for body, field := range map[string]string{`{}`: "role", `{"role":"boss"}`: "role", `{"role":"viewer","email":"x"}`: "email", `{"role":"viewer","hours":0}`: "hours"} {
		l.post("/api/invitations", body, ada...).wantError(422, "validation_error", field)
	}
	var made api.CreatedInvitation
	l.post("/api/invitations", `{"role":"member","email":"Bob@example.org","hours":1}`, ada...).into(201, &made)
	if text(made.Link) != publicURL+"/setup?token="+made.Token || text(made.Invitation.Email) != "bob@example.org" {
		t.Errorf("%+v", made)
	}
	var list api.InvitationList
	if l.get("/api/invitations", ada...).into(200, &list); len(list.Invitations) != 1 || list.Invitations[0].AcceptedAt != nil {
		t.Errorf("%+v", list)
	}
	stranger, _ := l.key(identities.NewKey{AccountID: "other"})
	if l.get("/api/invitations", bearer(stranger)...).into(200, &list); len(list.Invitations) != 0 {
		t.Errorf("a stranger sees %+v", list)
	}

	accept := func(email, password string) response {
		return l.post("/api/auth/invitations/accept", fmt.Sprintf(`{"token":%q,"email":%q,"name":"Bob","password":%q}`, made.Token, email, password))
	}
	accept("eve@example.org", testPassword).wantError(403, "invited_other")
	accept("bob@example.org", "bob@example.org").wantError(422, "validation_error", "password")
	res := accept("bob@example.org", testPassword)
	var me api.Me
	if res.into(200, &me); me.Role != "member" || me.User.Email != "bob@example.org" {
		t.Errorf("%+v", me)
	}
	l.get("/api/tasks", withCookie(res.cookie(session.CookieName))...).into(200, &api.TaskList{})
	accept("bob@example.org", testPassword).wantError(410, "invitation_gone")
	l.do("DELETE", "/api/invitations/"+made.Invitation.ID, nil, ada...).wantError(404, "not_found")
	if l.get("/api/invitations", ada...).into(200, &list); list.Invitations[0].AcceptedAt == nil {
		t.Errorf("%+v", list)
	}
	// A person who is logged in accepts an invitation as the logged-in user.
	invited := l.invite(access.Owner)
	if l.post("/api/auth/invitations/accept", fmt.Sprintf(`{"token":%q}`, invited.Text()), ada...).into(200, &me); me.Role != "owner" || me.User.Email != "ada@example.org" {
		t.Errorf("%+v", me)
	}
}

// TestTickets opens streams with tickets of a session and of a key. Each ticket works once.
func TestTickets(t *testing.T) {
	t.Parallel()
	l := setupLocked(t)
	l.person("ada@example.org", access.Viewer)
	task := l.task("default")
	key, keyID := l.key(identities.NewKey{Scopes: []access.Scope{access.TasksRead}})
	ticket := func(header []string) string {
		var made api.Ticket
		l.post("/api/auth/tickets", "", header...).into(201, &made)
		return made.Ticket
	}
	for name, header := range map[string][]string{"session": l.logIn("ada@example.org"), "key": bearer(key)} {
		made := ticket(header)
		s := l.dial("/api/tasks/" + task + "/stream?ticket=" + made)
		s.want(1, 2)
		s.wantClose(websocket.StatusNormalClosure)
		l.get("/api/tasks/"+task+"/events?ticket="+made, "Accept", "text/event-stream").wantError(401, "unauthenticated")
		if res := l.get("/api/tasks/"+task+"/events?ticket="+ticket(header), "Accept", "text/event-stream"); res.status != 200 {
			t.Errorf("%s: %d %s", name, res.status, res.body)
		}
		l.get("/api/tasks/"+task+"?ticket="+ticket(header)).wantError(401, "unauthenticated") // tickets are valid for streams only
		l.do("DELETE", "/api/tasks/"+task+"?ticket="+ticket(header), nil).wantError(401, "unauthenticated")
		if strings.Contains(l.log.String(), made) {
			t.Errorf("%s: the log has a ticket", name)
		}
	}
	unused := ticket(bearer(key))
	if _, err := l.identities.RevokeKey(t.Context(), identities.Actor{Kind: identities.BySystem}, "default", keyID, nil); err != nil {
		t.Fatal(err)
	}
	l.get("/api/tasks/"+task+"/events?ticket="+unused, "Accept", "text/event-stream").wantError(401, "unauthenticated")
	l.get("/api/tasks/"+task+"/events?ticket=nonsense", "Accept", "text/event-stream").wantError(401, "unauthenticated")
}

// TestTheStreamOfASessionEndsWithIt checks that a logout closes the open streams of the session.
func TestTheStreamOfASessionEndsWithIt(t *testing.T) {
	t.Parallel()
	l := setupLocked(t)
	l.person("ada@example.org", access.Member)
	ada := l.logIn("ada@example.org")
	var task api.Task
	l.post("/api/tasks", `{"question":"Who am I?"}`, ada...).into(201, &task)
	if task.CreatedBy == nil || task.CreatedBy.UserID == nil {
		t.Errorf("created by %+v", task.CreatedBy)
	}
	s := l.dial("/api/tasks/"+task.TaskID+"/stream", ada...)
	s.want(1, 1)
	if res := l.post("/api/auth/logout", "", ada...); res.status != 204 {
		t.Fatalf("%d %s", res.status, res.body)
	}
	s.wantClose(4401)
}

// setupOpenID returns an API and a real OpenID provider at which people may log in.
func setupOpenID(t *testing.T, policy login.Policy) (*locked, *openidtest.Provider) {
	t.Helper()
	p := openidtest.New(t, publicURL+"/api/auth/openid/callback")
	p.Add("ada", openidtest.Person{Email: "ada@example.org", Verified: true, Name: "Ada", Groups: []string{"chiefs"}})
	l := setupLockedOn(t, dbtest.New(t), func(c *Config) {
		policy.Account = research.DefaultAccount
		c.Logins.Policy = policy
		c.Logins.OpenID = openid.New(openid.Config{Issuer: p.Issuer, ClientID: openidtest.ClientID, ClientSecret: openidtest.ClientSecret,
			RedirectURL: publicURL + "/api/auth/openid/callback", Scopes: []string{"email", "profile"}, GroupsClaim: "groups"})
	})
	l.http.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return l, p
}

// begin begins a login at the provider. It returns the login's cookie and the address to which the browser is
// redirected.
func (l *locked) begin(returnTo string) (*http.Cookie, string) {
	l.t.Helper()
	res := l.get("/api/auth/openid/login?returnTo=" + url.QueryEscape(returnTo))
	if res.status != http.StatusFound {
		l.t.Fatalf("%d %s", res.status, res.body)
	}
	return res.cookie("legwork_login"), res.header.Get("Location")
}

func TestOpenIDLogin(t *testing.T) {
	t.Parallel()
	l, p := setupOpenID(t, login.Policy{Roles: []login.GroupRole{{Group: "chiefs", Role: access.Admin}}})
	var methods api.LoginMethods
	if l.get("/api/auth/methods").into(200, &methods); text(methods.Openid) != "Example" || !methods.Password || methods.Mode != "required" {
		t.Errorf("%+v", methods)
	}
	begun, address := l.begin("/tasks?status=running")
	back := p.LogIn(t, address, "ada")
	res := l.get(back.RequestURI(), withCookie(begun)...)
	if res.status != http.StatusFound || res.header.Get("Location") != "/tasks?status=running" {
		t.Fatalf("%d %s %s", res.status, res.header.Get("Location"), res.body)
	}
	if gone := res.cookie("legwork_login"); gone.MaxAge >= 0 {
		t.Errorf("cookie %s", gone.Raw)
	}
	var me api.Me
	if l.get("/api/auth/me", withCookie(res.cookie(session.CookieName))...).into(200, &me); me.Role != "admin" || me.User.Name != "Ada" {
		t.Errorf("%+v", me)
	}

	// The provider's answer is accepted once, and only from the browser that began the login.
	l.get(back.RequestURI(), withCookie(begun)...).wantError(401, "login_stale")
	mine, address := l.begin("/")
	victims := p.LogIn(t, address, "ada")
	l.get(victims.RequestURI()).wantError(401, "login_stale")
	other, _ := l.begin("/")
	l.get(victims.RequestURI(), withCookie(other)...).wantError(401, "login_stale")
	if res := l.get(victims.RequestURI(), withCookie(mine)...); res.status != http.StatusFound {
		t.Errorf("%d %s", res.status, res.body)
	}

	for _, path := range []string{"https://evil.example", "//evil.example", `/\evil.example`, "tasks", "/a b", "/a\r\nSet-Cookie: x=y", "/" + strings.Repeat("a", 2048)} {
		l.get("/api/auth/openid/login?returnTo="+url.QueryEscape(path)).wantError(422, "validation_error", "returnTo")
	}
}

func TestOpenIDRefusals(t *testing.T) {
	t.Parallel()
	l, p := setupOpenID(t, login.Policy{Roles: []login.GroupRole{{Group: "chiefs", Role: access.Admin}}})
	p.Add("eve", openidtest.Person{Email: "eve@example.org", Verified: true, Groups: []string{"others"}})
	begun, address := l.begin("/")
	l.get(p.LogIn(t, address, "eve").RequestURI(), withCookie(begun)...).wantError(403, "not_invited")
	begun, address = l.begin("/")
	state := p.LogIn(t, address, "ada").Query().Get("state")
	l.get("/api/auth/openid/callback?error=access_denied&state="+state, withCookie(begun)...).wantError(401, "login_refused")
	l.person("ada@example.org", access.Member)
	begun, address = l.begin("/")
	l.get(p.LogIn(t, address, "ada").RequestURI(), withCookie(begun)...).wantError(403, "not_linked")
	l.get("/api/auth/openid/callback?state=a&state=b").wantError(422, "validation_error", "state")
}

func TestAProviderThatIsDownDoesNotStopTheServer(t *testing.T) {
	t.Parallel()
	l, p := setupOpenID(t, login.Policy{})
	p.Down(true)
	res := l.get("/api/auth/openid/login")
	res.wantError(503, "provider_failed")
	if res.header.Get("Retry-After") != "30" {
		t.Errorf("%v", res.header)
	}
	l.person("ada@example.org", access.Member)
	l.logIn("ada@example.org")
}

// TestAccessTokens checks that a token of the issuer is accepted within its scopes, and that a 401 says where to get a
// token.
func TestAccessTokens(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &key.PublicKey, KeyID: "1"}}})
	if err != nil {
		t.Fatal(err)
	}
	keys := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(set) }))
	t.Cleanup(keys.Close)
	const issuer, audience = "https://id.example.org", "https://research.example.org"
	st := dbtest.New(t)
	ids := identities.New(st)
	log := slog.New(slog.DiscardHandler)
	tokens := bearertokens.Method{Verifier: bearertokens.New(bearertokens.Config{JWKSURL: keys.URL, Issuer: issuer, Audience: audience, AccountClaim: "account", Logger: log}), AccountExists: ids.AccountExists, Log: log}
	l := setupLockedOn(t, st, func(c *Config) {
		c.Logins.Issuer, c.Logins.Audience = issuer, audience
		c.Auth = auth.Open(ids, nil, auth.Keys{Store: ids}, tokens)
	})
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", "1"))
	if err != nil {
		t.Fatal(err)
	}
	token := func(scope, account string) []string {
		raw, err := jwt.Signed(signer).Claims(map[string]any{"iss": issuer, "aud": audience, "sub": "robot", "exp": time.Now().Add(time.Hour).Unix(), "scope": scope, "account": account}).Serialize()
		if err != nil {
			t.Fatal(err)
		}
		return bearer(raw)
	}
	var me api.Me
	if l.get("/api/auth/me", token("tasks:read", "default")...).into(200, &me); me.Kind != "token" || me.Role != "member" || me.User != nil || me.ExpiresAt == nil {
		t.Errorf("%+v", me)
	}
	task := l.task("default")
	l.get("/api/tasks/"+task, token("tasks:read", "default")...).into(200, &api.Task{})
	l.get("/api/tasks/"+task, token("tasks:read", "other")...).wantError(404, "not_found")
	l.post("/api/tasks", `{"question":"a"}`, token("tasks:read", "default")...).wantError(403, "insufficient_scope")
	l.get("/api/members", token("tasks:write", "default")...).wantError(403, "forbidden")
	l.get("/api/members", token("admin", "default")...).into(200, &api.MemberList{})
	l.post("/api/auth/tickets", "", token("tasks:read", "default")...).wantError(403, "ticket_refused")
	l.get("/api/tasks", token("tasks:read", "nowhere")...).wantError(401, "unauthenticated")
	l.get("/api/tasks", token("profile", "default")...).wantError(401, "unauthenticated")

	res := l.get("/api/tasks")
	if want := `Bearer resource_metadata="` + publicURL + `/.well-known/oauth-protected-resource"`; res.header.Get("WWW-Authenticate") != want {
		t.Errorf("%v", res.header)
	}
	var metadata api.ProtectedResource
	if l.get("/.well-known/oauth-protected-resource").into(200, &metadata); metadata.Resource != audience || metadata.AuthorizationServers[0] != issuer {
		t.Errorf("%+v", metadata)
	}
}
