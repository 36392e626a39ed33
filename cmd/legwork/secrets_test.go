package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"legwork/internal/sealed"
	"legwork/internal/store/identities"
)

// TestRotateSecrets replaces the key that encrypts secrets in the database, with the command that operators use.
func TestRotateSecrets(t *testing.T) {
	w := newWorld(t)
	before, after := strings.Repeat("b", 40), strings.Repeat("a", 40)
	file := filepath.Join(w.dir, "keys")
	if err := os.WriteFile(file, []byte(after+"\n"+before+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	rotate := func(wantStatus int, want string, env ...string) {
		t.Helper()
		status, out, errs := w.run(w.ctx(), settings(w.url, w.dir, env...), "secrets", "rotate")
		if status != wantStatus || !strings.Contains(out+errs, want) {
			t.Errorf("%d %q %q, want %d and %q", status, out, errs, wantStatus, want)
		}
		if strings.Contains(out+errs, before) || strings.Contains(out+errs, after) {
			t.Errorf("a key is shown: %q %q", out, errs)
		}
	}
	rotate(1, "LEGWORK_SECRET_KEY is not set")
	rotate(1, "LEGWORK_SECRET_KEY_FILE", "LEGWORK_SECRET_KEY_FILE="+file+".missing")
	rotate(1, "at least 32 characters", "LEGWORK_SECRET_KEY=short-"+after[:20])
	rotate(0, "again with the first key: 0; sealed with it already: 0", "LEGWORK_SECRET_KEY="+before)

	st, stop, err := (&program{environ: settings(w.url, w.dir)}).openConfigured(w.ctx())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	keys, err := sealed.Parse(before)
	if err != nil {
		t.Fatal(err)
	}
	hash := make([]byte, 32)
	box, err := keys.Seal([]byte("nonce and verifier"), identities.ChallengePlace(hash, identities.OpenIDLogin))
	if err != nil {
		t.Fatal(err)
	}
	if err := identities.New(st).CreateChallenge(w.ctx(), hash, identities.OpenIDLogin, nil, box); err != nil {
		t.Fatal(err)
	}
	rotate(0, "sealed with none of these keys, so left as they are: 1", "LEGWORK_SECRET_KEY="+after)
	rotate(0, "again with the first key: 1; sealed with it already: 0", "LEGWORK_SECRET_KEY_FILE="+file)
	rotate(0, "again with the first key: 0; sealed with it already: 1", "LEGWORK_SECRET_KEY="+after)
	if status, _, errs := w.run(w.ctx(), settings(w.url, w.dir, "AUTH_MODE=required", "LEGWORK_SECRET_KEY_FILE="+file+".missing"), "serve"); status == 0 || !strings.Contains(errs, "LEGWORK_SECRET_KEY_FILE") {
		t.Errorf("a server starts without its keys: %q", errs)
	}
}
