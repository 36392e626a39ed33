package httpapi

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/descope/virtualwebauthn"

	"legwork/api"
	"legwork/internal/access"
	"legwork/internal/auth/passkey"
	"legwork/internal/auth/session"
	"legwork/internal/dbtest"
)

// phone is a device with one passkey.
type phone struct {
	t             *testing.T
	rp            virtualwebauthn.RelyingParty
	authenticator virtualwebauthn.Authenticator
	credential    virtualwebauthn.Credential
}

func newPhone(t *testing.T, user [16]byte) *phone {
	t.Helper()
	return &phone{t: t, rp: virtualwebauthn.RelyingParty{ID: "localhost", Name: "legwork", Origin: publicURL},
		authenticator: virtualwebauthn.NewAuthenticatorWithOptions(virtualwebauthn.AuthenticatorOptions{UserHandle: user[:]}),
		credential:    virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)}
}

func (p *phone) create(options []byte) string {
	p.t.Helper()
	parsed, err := virtualwebauthn.ParseAttestationOptions(string(options))
	if err != nil {
		p.t.Fatal(err)
	}
	p.authenticator.AddCredential(p.credential)
	return virtualwebauthn.CreateAttestationResponse(p.rp, p.authenticator, p.credential, *parsed)
}

func (p *phone) get(options []byte) string {
	p.t.Helper()
	parsed, err := virtualwebauthn.ParseAssertionOptions(string(options))
	if err != nil {
		p.t.Fatal(err)
	}
	p.credential.Counter++
	return virtualwebauthn.CreateAssertionResponse(p.rp, p.authenticator, p.credential, *parsed)
}

// also returns the request header of a browser with one more cookie.
func also(header []string, c *http.Cookie) []string {
	return []string{"Cookie", header[1] + "; " + c.Name + "=" + c.Value}
}

func TestPasskeys(t *testing.T) {
	t.Parallel()
	keys, err := passkey.New(publicURL)
	if err != nil {
		t.Fatal(err)
	}
	l := setupLockedOn(t, dbtest.New(t), func(c *Config) { c.Logins.Passkeys = keys })
	id := l.person("ada@example.org", access.Admin)
	l.person("bob@example.org", access.Viewer)
	ada, bob, device := l.logIn("ada@example.org"), l.logIn("bob@example.org"), newPhone(t, id)

	begun := l.post("/api/auth/passkeys/options", "", ada...)
	challenge, answer := begun.cookie("legwork_login"), device.create(begun.body)
	body := fmt.Sprintf(`{"name":"my phone","credential":%s}`, answer)
	l.post("/api/auth/passkeys", body, ada...).wantError(401, "login_stale") // sent by another browser
	l.post("/api/auth/passkeys", `{"credential":1}`, also(ada, challenge)...).wantError(422, "validation_error", "name", "credential")
	l.post("/api/auth/passkeys", body, also(bob, challenge)...).wantError(401, "login_stale") // sent by another person
	begun = l.post("/api/auth/passkeys/options", "", ada...)
	body = fmt.Sprintf(`{"name":"my phone","credential":%s}`, device.create(begun.body))
	challenge = begun.cookie("legwork_login")
	var made api.Passkey
	l.post("/api/auth/passkeys", body, also(ada, challenge)...).into(201, &made)
	l.post("/api/auth/passkeys", body, also(ada, challenge)...).wantError(401, "login_stale") // an answer is accepted only once

	// A login needs nothing but the passkey.
	enter := func(change func(credential string) string) response {
		begun := l.post("/api/auth/passkeys/login/options", "")
		return l.post("/api/auth/passkeys/login", fmt.Sprintf(`{"credential":%s}`, change(device.get(begun.body))), withCookie(begun.cookie("legwork_login"))...)
	}
	same := func(s string) string { return s }
	res := enter(same)
	var me api.Me
	if res.into(200, &me); me.User.Email != "ada@example.org" || me.Role != "admin" {
		t.Errorf("%+v", me)
	}
	l.get("/api/members", withCookie(res.cookie(session.CookieName))...).into(200, &api.MemberList{})
	begun = l.post("/api/auth/passkeys/login/options", "")
	l.post("/api/auth/passkeys/login", fmt.Sprintf(`{"credential":%s}`, device.get(begun.body))).wantError(401, "login_stale")
	enter(func(string) string { return `{"id":"x"}` }).wantError(401, "passkey_refused")
	stranger := newPhone(t, [16]byte{1})
	begun = l.post("/api/auth/passkeys/login/options", "")
	l.post("/api/auth/passkeys/login", fmt.Sprintf(`{"credential":%s}`, stranger.get(begun.body)), withCookie(begun.cookie("legwork_login"))...).wantError(401, "passkey_refused")

	var list api.PasskeyList
	if l.get("/api/auth/passkeys", ada...).into(200, &list); len(list.Passkeys) != 1 || list.Passkeys[0].Name != "my phone" || list.Passkeys[0].LastUsedAt == nil {
		t.Errorf("%+v", list)
	}
	if l.get("/api/auth/passkeys", bob...).into(200, &list); len(list.Passkeys) != 0 {
		t.Errorf("%+v", list)
	}
	l.do("DELETE", "/api/auth/passkeys/"+made.ID, nil, bob...).wantError(404, "not_found")
	if res := l.do("DELETE", "/api/auth/passkeys/"+made.ID, nil, ada...); res.status != 204 {
		t.Errorf("%d %s", res.status, res.body)
	}
	enter(same).wantError(401, "passkey_refused")
}
