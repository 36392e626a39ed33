package auth

import (
	"net/http"
	"strings"
	"testing"

	"legwork/internal/auth/apikey"
)

// FuzzHeaders reads API keys from requests with any value of the two headers. Only what was sent may be found, and only a text
// that begins like a key may be taken from Authorization, where other kinds of credentials are sent, too.
func FuzzHeaders(f *testing.F) {
	key := apikey.New().Reveal()
	f.Add("Bearer "+key, "")
	f.Add("bearer  "+key+" ", "lw_x")
	f.Add("Basic dTpw", key)
	f.Add("Bearer eyJ.e30.", "\x00")
	f.Fuzz(func(t *testing.T, authorization, own string) {
		r := &http.Request{Header: http.Header{"Authorization": {authorization}, HeaderKey: {own}}}
		bearer, isBearer := Bearer(r)
		if isBearer && (!strings.Contains(authorization, bearer) || !strings.EqualFold(authorization[:7], "Bearer ")) {
			t.Fatalf("%q is read as %q", authorization, bearer)
		}
		credential, found := Keys{}.Credential(r)
		switch {
		case !found && own != "", found && credential == "":
			t.Fatalf("%q and %q: %q, %v", authorization, own, credential, found)
		case found && credential != own && (!isBearer || credential != bearer || !strings.HasPrefix(credential, apikey.Prefix)):
			t.Fatalf("%q and %q: %q", authorization, own, credential)
		}
		if parsed, err := apikey.Parse(credential); err == nil && !strings.Contains(credential, parsed.ID) {
			t.Fatalf("the key %q has the id %q", credential, parsed.ID)
		}
	})
}
