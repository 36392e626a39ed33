package access_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"legwork/api"
	"legwork/internal/access"
)

// TestEveryOperationHasARule checks that every operation of the contract has a rule, and that every rule belongs to
// an operation.
func TestEveryOperationHasARule(t *testing.T) {
	t.Parallel()
	var contract struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	require.NoError(t, json.Unmarshal(api.ContractJSON, &contract))
	var ids []string
	public := map[string]bool{}
	for _, item := range contract.Paths {
		for _, raw := range item {
			var operation struct {
				ID       string                 `json:"operationId"`
				Security *[]map[string][]string `json:"security"`
			}
			if json.Unmarshal(raw, &operation) == nil && operation.ID != "" {
				ids = append(ids, operation.ID)
				public[operation.ID] = operation.Security != nil && len(*operation.Security) == 0
			}
		}
	}
	rules := access.Rules()
	var ruled []string
	for id, rule := range rules {
		ruled = append(ruled, id)
		assert.Equal(t, public[id], rule.Public, "%s: `security: []` in the contract says that it is for everybody", id)
		if !rule.Public {
			assert.Contains(t, access.Roles, rule.Role, id)
		}
		if rule.Scope != "" {
			assert.Contains(t, access.Scopes, rule.Scope, id)
		}
	}
	assert.ElementsMatch(t, ids, ruled, "operations of the contract, and rules")
}

func TestRolesIncludeLowerOnes(t *testing.T) {
	t.Parallel()
	for i, r := range access.Roles {
		for j, other := range access.Roles {
			assert.Equal(t, i >= j, r.Includes(other), "%s includes %s", r, other)
		}
	}
	assert.False(t, access.Role("").Includes(access.Viewer))
	assert.False(t, access.Owner.Includes(""))
	assert.False(t, access.Role("root").Includes("root"))
}

func TestScopesIncludeReading(t *testing.T) {
	t.Parallel()
	included := map[access.Scope][]access.Scope{
		access.TasksRead:    {access.TasksRead},
		access.TasksWrite:   {access.TasksRead, access.TasksWrite},
		access.LibraryRead:  {access.LibraryRead},
		access.LibraryWrite: {access.LibraryRead, access.LibraryWrite},
		access.MetricsRead:  {access.MetricsRead},
		access.AdminScope:   access.Scopes,
	}
	for _, s := range access.Scopes {
		for _, other := range access.Scopes {
			assert.Equal(t, slices.Contains(included[s], other), s.Includes(other), "%s includes %s", s, other)
		}
	}
}

func TestDecide(t *testing.T) {
	t.Parallel()
	rules := map[string]access.Rule{
		"open":   {Public: true},
		"write":  {Role: access.Member, Scope: access.TasksWrite},
		"any":    {Role: access.Viewer},
		"person": {Role: access.Viewer, Session: true},
		"watch":  {Role: access.Admin, Scope: access.MetricsRead, Server: true},
	}
	member := access.Principal{Kind: access.BySession, AccountID: "a", Role: access.Member}
	key := func(r access.Role, scopes ...access.Scope) access.Principal {
		return access.Principal{Kind: access.ByKey, AccountID: "a", Role: r, Scopes: scopes, KeyID: "k"}
	}
	for _, c := range []struct {
		name      string
		p         access.Principal
		operation string
		want      access.Verdict
	}{
		{"anybody", access.Principal{}, "open", access.Allowed},
		{"nobody", access.Principal{}, "write", access.NoLogin},
		{"nobody by name", access.Principal{Kind: access.ByNobody, Role: access.Owner}, "any", access.NoLogin},
		{"a session has no scopes", member, "write", access.Allowed},
		{"a viewer", access.Principal{Kind: access.BySession, Role: access.Viewer}, "write", access.NoRole},
		{"a key with the scope", key(access.Member, access.TasksWrite), "write", access.Allowed},
		{"a key with another scope", key(access.Owner, access.TasksRead), "write", access.NoScope},
		{"a key with the empty list of scopes", access.Principal{Kind: access.ByKey, Role: access.Owner, Scopes: []access.Scope{}}, "write", access.NoScope},
		{"a key whose user has a low role", key(access.Viewer, access.AdminScope), "write", access.NoRole},
		{"any scope", key(access.Viewer, access.LibraryRead), "any", access.Allowed},
		{"a session of the person", member, "person", access.Allowed},
		{"a key of the person", key(access.Owner, access.AdminScope), "person", access.NoSession},
		{"without access control", access.Off(), "write", access.Allowed},
		{"the server without access control", access.Off(), "watch", access.Allowed},
		{"the server by a key of another account", key(access.Owner, access.MetricsRead), "watch", access.NoServer},
		{"the server by its owner", access.Principal{Kind: access.BySession, AccountID: "default", Role: access.Owner}, "watch", access.Allowed},
		{"the server by a key for something else", access.Principal{Kind: access.ByKey, AccountID: "default", Role: access.Owner, Scopes: []access.Scope{access.TasksWrite}}, "watch", access.NoScope},
		{"no such operation", access.Off(), "fly", access.Unknown},
	} {
		assert.Equal(t, c.want, access.Decide(rules, c.p, c.operation), c.name)
	}
}

func TestNotices(t *testing.T) {
	t.Parallel()
	user, session := uuid.New(), uuid.New()
	p := access.Principal{Kind: access.BySession, AccountID: "a", UserID: &user, SessionID: &session}
	key := access.Principal{Kind: access.ByKey, AccountID: "b", KeyID: "k"}
	for notice, want := range map[access.Notice][2]bool{
		access.KeyChanged("k"):            {false, true},
		access.KeyChanged("other"):        {false, false},
		access.SessionChanged(session):    {true, false},
		access.SessionChanged(uuid.New()): {false, false},
		access.UserChanged(user):          {true, false},
		access.AccountChanged("a"):        {true, false},
		access.AccountChanged("b"):        {false, true},
		access.Everybody:                  {true, true},
		access.Notice("planet:earth"):     {true, true},
		access.Notice(""):                 {true, true},
	} {
		assert.Equal(t, want, [2]bool{notice.Concerns(p), notice.Concerns(key)}, string(notice))
	}
}
