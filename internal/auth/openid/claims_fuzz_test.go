package openid

import (
	"encoding/json"
	"testing"
	"unicode/utf8"
)

// FuzzClaims makes identities of any claims. What it returns must be within the bounds, and an e-mail address must be
// verified.
func FuzzClaims(f *testing.F) {
	f.Add("subject", []byte(`{"email":"Ada@example.org","email_verified":true,"name":"Ada","groups":["a","b"]}`))
	f.Add("subject", []byte(`{"email":"a@b@c","email_verified":"true","groups":"chiefs"}`))
	f.Add("", []byte(`{"email":["a@b"],"email_verified":1,"name":{"a":1},"groups":[1,null,""]}`))
	p := New(Config{GroupsClaim: "groups"})
	f.Fuzz(func(t *testing.T, subject string, body []byte) {
		claims := map[string]any{}
		if json.Unmarshal(body, &claims) != nil {
			return
		}
		who, err := p.identity("https://issuer.example", subject, claims)
		if err != nil {
			return
		}
		if who.Subject == "" || len(who.Subject) > 255 || len(who.Email) > 254 || utf8.RuneCountInString(who.Name) > 200 || len(who.Groups) > maxGroups {
			t.Fatalf("out of bounds: %+v", who)
		}
		if who.Email != "" && claims["email_verified"] != true && claims["email_verified"] != "true" {
			t.Fatalf("the address %q is not verified", who.Email)
		}
	})
}
