package wire

import (
	"testing"
	"time"
	"unicode/utf8"

	"legwork/internal/research"
	"legwork/internal/testcost"
)

// FuzzForms reads any body with every decoder of the operations about accounts and logins. None may panic, take much time or memory, or
// accept text that PostgreSQL refuses.
func FuzzForms(f *testing.F) {
	for _, body := range []string{`{}`, `[]`, `{"email":"a@b","password":"x"}`, `{"token":"x","email":"a@b","name":"A","password":"y"}`, `{"name":"k","scopes":["tasks:read"],"allowedNets":["10.0.0.0/8"],"expiresAt":"2030-01-01T00:00:00Z"}`,
		`{"role":"admin","hours":1}`, `{"tasksPerHour":1,"dollarsPerMonth":1.25}`, `{"accountId":"other"}`, `{"currentPassword":"a","newPassword":"b"}`, `{"name":"n","credential":{"id":"x"}}`, `{"email":"\ud800","password":"\u0000"}`, `{"role":"a","role":"b"}`} {
		f.Add([]byte(body))
	}
	now := time.Date(2026, 3, 5, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, body []byte) {
		var texts []string
		testcost.Check(t, len(body), testcost.Limit{Time: 20 * time.Microsecond, Alloc: 4000}, func() {
			texts = nil
			if in, err := DecodeLogin(body); err == nil {
				texts = append(texts, in.Email, in.Password)
			}
			if in, err := DecodeInvitationAcceptance(body); err == nil {
				texts = append(texts, in.Token, in.Email, in.Name, in.Password)
			}
			if in, err := DecodeNewInvitation(body); err == nil {
				texts = append(texts, in.Email)
			}
			if in, err := DecodeNewKey(body, now); err == nil {
				texts = append(texts, in.Name)
			}
			if account, err := DecodeAccountChoice(body); err == nil {
				texts = append(texts, account)
			}
			if name, _, err := DecodeNewPasskey(body); err == nil {
				texts = append(texts, name)
			}
			if current, next, err := DecodePasswordChange(body); err == nil {
				texts = append(texts, current, next)
			}
			_, _ = DecodeErasure(body)
			_, _ = DecodeRole(body)
			_, _ = DecodeReason(body)
			_, _ = DecodePasskeyLogin(body)
			if limits, err := DecodeUsageLimits(body); err == nil && limits != (research.UsageLimits{}) {
				for _, n := range []*int64{limits.TasksPerHour, limits.TasksPerDay, limits.ConcurrentRuns, limits.OpenStreams, limits.PagesPerMonth, limits.TokensPerMonth, limits.MicrodollarsPerMonth} {
					if n != nil && *n < 0 {
						t.Fatalf("a negative limit: %s", body)
					}
				}
			}
		})
		for _, text := range texts {
			if !utf8.ValidString(text) {
				t.Fatalf("%q is no text", text)
			}
			for _, r := range text {
				if r == 0 {
					t.Fatalf("%q has a zero byte", text)
				}
			}
		}
	})
}
