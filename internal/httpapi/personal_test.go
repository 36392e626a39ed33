package httpapi

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"legwork/api"
	"legwork/internal/access"
	"legwork/internal/auth/session"
	"legwork/internal/store/identities"
)

func TestExportAndEraseMe(t *testing.T) {
	t.Parallel()
	l := setupLocked(t)
	id := l.person("ada@example.org", access.Member)
	mine, other := l.logIn("ada@example.org"), l.logIn("ada@example.org")
	key, _ := l.key(identities.NewKey{UserID: &id})
	var task api.Task
	l.post("/api/tasks", `{"question":"What is an engine?"}`, mine...).into(201, &task)

	var export api.UserExport
	res := l.get("/api/auth/me/export", mine...)
	res.into(200, &export)
	if export.User["email"] != "ada@example.org" || len(export.Sessions) != 2 || len(export.Keys) != 1 || len(export.Tasks) != 1 || !export.Complete {
		t.Errorf("export: %s", res.body)
	}
	if strings.Contains(string(res.body), "argon2id") || !strings.HasPrefix(res.header.Get("Content-Disposition"), "attachment") {
		t.Errorf("export: %v %s", res.header, res.body)
	}

	erase := func(body string, header ...string) response {
		return l.do("DELETE", "/api/auth/me", strings.NewReader(body), append([]string{"Content-Type", "application/json"}, header...)...)
	}
	erase(`{}`, mine...).wantError(422, "validation_error", "password")
	erase(`{"password":"wrong"}`, mine...).wantError(401, "login_failed")
	erase(fmt.Sprintf(`{"password":%q}`, testPassword), bearer(key)...).wantError(403, "session_required")
	l.get("/api/auth/me", mine...).into(200, &api.Me{})

	res = erase(fmt.Sprintf(`{"password":%q}`, testPassword), mine...)
	if res.status != 204 || res.cookie(session.CookieName).MaxAge >= 0 {
		t.Fatalf("erase: %d %v %s", res.status, res.header, res.body)
	}
	for _, header := range [][]string{mine, other, bearer(key)} {
		l.get("/api/auth/me", header...).wantError(401, "unauthenticated")
	}
	l.post("/api/auth/login", fmt.Sprintf(`{"email":"ada@example.org","password":%q}`, testPassword)).wantError(401, "login_failed")
	l.person("grace@example.org", access.Owner)
	var read map[string]json.RawMessage
	l.get("/api/tasks/"+task.TaskID, l.logIn("grace@example.org")...).into(200, &read)
	if strings.Contains(string(read["createdBy"]), id.String()) {
		t.Errorf("the task names %s", read["createdBy"])
	}
}

func TestEraseWithoutAPassword(t *testing.T) {
	t.Parallel()
	l := setupLocked(t)
	id := l.person("ada@example.org", access.Member)
	mine := append([]string{"Content-Type", "application/json"}, l.logIn("ada@example.org")...)
	l.exec("UPDATE users SET password_hash = NULL WHERE id = $1", id)
	l.exec("UPDATE sessions SET created_at = now() - interval '11 minutes' WHERE user_id = $1", id)
	l.do("DELETE", "/api/auth/me", strings.NewReader(`{"password":"anything"}`), mine...).wantError(403, "login_too_old")
	l.exec("UPDATE sessions SET created_at = now() - interval '9 minutes' WHERE user_id = $1", id)
	if res := l.do("DELETE", "/api/auth/me", strings.NewReader(`{}`), mine...); res.status != 204 {
		t.Fatalf("%d %s", res.status, res.body)
	}
}

func TestTheLastOwnerStays(t *testing.T) {
	t.Parallel()
	l := setupLocked(t)
	l.exec("DELETE FROM memberships WHERE role = 'owner'")
	l.person("ada@example.org", access.Owner)
	mine := append([]string{"Content-Type", "application/json"}, l.logIn("ada@example.org")...)
	body := fmt.Sprintf(`{"password":%q}`, testPassword)
	l.do("DELETE", "/api/auth/me", strings.NewReader(body), mine...).wantError(409, "last_owner")
	l.get("/api/auth/me", mine...).into(200, &api.Me{})
	l.person("grace@example.org", access.Owner)
	if res := l.do("DELETE", "/api/auth/me", strings.NewReader(body), mine...); res.status != 204 {
		t.Fatalf("%d %s", res.status, res.body)
	}
}

// TestSeedTokensOfOthers checks that tokens in a seed URL are masked, except for the caller who submitted the task.
func TestSeedTokensOfOthers(t *testing.T) {
	t.Parallel()
	l := setupLocked(t)
	user := l.users[access.Member]
	mine, _ := l.key(identities.NewKey{UserID: &user})
	alsoMine, _ := l.key(identities.NewKey{UserID: &user})
	machine, _ := l.key(identities.NewKey{})
	seed, masked := "https://a.example/p?page=2&access_token=S3cret#x", "https://a.example/p?page=2&access_token=xxxxx#x"
	var made api.Task
	l.post("/api/tasks", fmt.Sprintf(`{"question":"a","seedUrl":%q}`, seed), bearer(mine)...).into(201, &made)
	for _, c := range []struct{ key, want string }{{mine, seed}, {alsoMine, seed}, {machine, masked}} {
		var task api.Task
		var list struct{ Tasks []api.Task }
		l.get("/api/tasks/"+made.TaskID, bearer(c.key)...).into(200, &task)
		l.get("/api/tasks", bearer(c.key)...).into(200, &list)
		if text(task.SeedURL) != c.want || len(list.Tasks) != 1 || text(list.Tasks[0].SeedURL) != c.want {
			t.Errorf("%s and %+v, want %s", text(task.SeedURL), list.Tasks, c.want)
		}
	}
	l.post("/api/tasks/"+made.TaskID+"/cancel", "", bearer(machine)...).into(200, &made)
	if text(made.SeedURL) != masked {
		t.Errorf("cancelled by another: %s", text(made.SeedURL))
	}
}
