package httpapi

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"legwork/internal/auth/login"
	"legwork/internal/auth/session"
	"legwork/internal/sealed"
)

// TestLoginsAreSealed checks that the database does not show what the answer of the OpenID provider is checked against, and
// that logins which began before a key was replaced can be finished during and after the rotation.
func TestLoginsAreSealed(t *testing.T) {
	t.Parallel()
	l, p := setupOpenID(t, login.Policy{DefaultRole: "member"})
	use := func(letters ...string) *sealed.Keys {
		t.Helper()
		var all []string
		for _, letter := range letters {
			all = append(all, strings.Repeat(letter, 32))
		}
		keys, err := sealed.Parse(strings.Join(all, " "))
		if err != nil {
			t.Fatal(err)
		}
		l.api.server.Keys = keys
		return keys
	}
	finish := func(begun *http.Cookie, address string) response {
		t.Helper()
		return l.get(p.LogIn(t, address, "ada").RequestURI(), withCookie(begun)...)
	}
	entered := func(what string, res response) {
		t.Helper()
		if res.status != http.StatusFound {
			t.Fatalf("%s: %d %s", what, res.status, res.body)
		}
		res.cookie(session.CookieName)
	}
	for what, letters := range map[string][]string{"without a key": nil, "with a key": {"a"}} {
		use(letters...)
		begun, address := l.begin("/a-path-that-is-a-secret")
		var box []byte
		if err := l.store.Pool().QueryRow(t.Context(), "SELECT box FROM login_challenges").Scan(&box); err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(box, []byte("secret")) || bytes.Contains(box, []byte("nonce")) || bytes.Contains(box, []byte("verifier")) {
			t.Errorf("%s the database shows %q", what, box)
		}
		entered(what, finish(begun, address))
	}

	use("a")
	late, lateAddress := l.begin("/")
	first, firstAddress := l.begin("/")
	second, secondAddress := l.begin("/")
	both := use("b", "a")
	entered("during the rotation", finish(first, firstAddress))
	third, thirdAddress := l.begin("/")
	if n, err := l.identities.Reseal(t.Context(), both); err != nil || n.Done != 2 || n.Current != 1 || n.Foreign != 0 {
		t.Errorf("%v: %+v", err, n)
	}
	use("b")
	entered("after the rotation", finish(second, secondAddress))
	entered("with the new key", finish(third, thirdAddress))
	use("c")
	if res := finish(late, lateAddress); res.status == http.StatusFound {
		t.Error("a login that is sealed with an unknown key is finished")
	}
	if !strings.Contains(l.log.String(), "LEGWORK_SECRET_KEY") {
		t.Error("the log does not say that a key is missing")
	}
}
