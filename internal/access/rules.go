package access

import "legwork/internal/research"

// Rule says who may call an operation.
type Rule struct {
	Public  bool  // whether anybody may call it, without a credential
	Role    Role  // the lowest role that may call it
	Scope   Scope // the scope that a credential with scopes needs; empty means that no scope is needed
	Entry   bool  // whether it is a step of a login, of which a client may make fewer than of other requests
	Server  bool  // whether it is about the whole server, so that only those of the account default may call it
	Session bool  // whether only a browser session may call it, because it is about the person and programs do not need it
}

// Verdict is the answer to whether a principal may call an operation.
type Verdict int

// The verdicts.
const (
	Allowed   Verdict = iota
	Unknown           // there is no such operation; this is a programming error, answered as forbidden
	NoLogin           // 401: the operation needs a credential, and there is none
	NoRole            // 403: the role is too low
	NoScope           // 403: the credential lacks the scope
	NoSession         // 403: the credential is not a browser session
	NoServer          // 403: the account is not the one of those who run the server
)

func public() Rule                { return Rule{Public: true} }
func entry() Rule                 { return Rule{Public: true, Entry: true} }
func needs(r Role, s Scope) Rule  { return Rule{Role: r, Scope: s} }
func session(r Role) Rule         { return Rule{Role: r, Session: true} }
func server(r Role, s Scope) Rule { return Rule{Role: r, Scope: s, Server: true} }

// Rules has the rule of every operation, by operationId.
func Rules() map[string]Rule {
	return map[string]Rule{
		"getRoot": public(), "getHealth": public(), "getLiveness": public(), "getReadiness": public(),
		"getContractYAML": public(), "getContractJSON": public(),

		"getMetrics": server(Admin, MetricsRead), "getLogLevel": server(Admin, AdminScope), "setLogLevel": server(Owner, AdminScope),

		"getProtectedResource": public(), "getLoginMethods": public(), "logIn": entry(), "startOpenIDLogin": entry(), "finishOpenIDLogin": entry(), "acceptInvitation": entry(),
		"startPasskeyLogin": entry(), "logInByPasskey": entry(),
		"getMe": needs(Viewer, ""), "logOut": needs(Viewer, ""), "createStreamTicket": needs(Viewer, TasksRead),
		"listPasskeys": session(Viewer), "startPasskeyRegistration": session(Viewer), "registerPasskey": session(Viewer), "removePasskey": session(Viewer),
		"changePassword": session(Viewer), "listSessions": session(Viewer), "revokeSession": session(Viewer), "switchAccount": session(Viewer),
		"exportMe": session(Viewer), "eraseMe": session(Viewer),
		"listInvitations": needs(Admin, AdminScope), "createInvitation": needs(Admin, AdminScope), "revokeInvitation": needs(Admin, AdminScope),

		"createTask": needs(Member, TasksWrite), "cancelTask": needs(Member, TasksWrite),
		"deleteTask": needs(Member, TasksWrite), "rerunTask": needs(Member, TasksWrite), "confirmPlan": needs(Member, TasksWrite),
		"listTasks": needs(Viewer, TasksRead), "listHistory": needs(Viewer, TasksRead), "getTask": needs(Viewer, TasksRead), "getTree": needs(Viewer, TasksRead),
		"streamTask": needs(Viewer, TasksRead), "listEvents": needs(Viewer, TasksRead),
		"listArtifacts": needs(Viewer, TasksRead), "getTaskArtifact": needs(Viewer, TasksRead), "getArtifact": needs(Viewer, TasksRead),
		"getScreenshot": needs(Viewer, TasksRead), "listPages": needs(Viewer, TasksRead), "getPage": needs(Viewer, TasksRead),

		"listKeys": needs(Member, AdminScope), "createKey": needs(Member, AdminScope), "revokeKey": needs(Member, AdminScope),
		"listMembers": needs(Admin, AdminScope), "changeMember": needs(Admin, AdminScope), "removeMember": needs(Admin, AdminScope),
		"listAudit": needs(Admin, AdminScope),
		"getLimits": needs(Viewer, TasksRead), "setLimits": needs(Owner, AdminScope),
	}
}

// Decide reports whether p may call the operation under the rules.
func Decide(rules map[string]Rule, p Principal, operation string) Verdict {
	rule, known := rules[operation]
	switch {
	case !known:
		return Unknown
	case rule.Public:
		return Allowed
	case p.Anonymous():
		return NoLogin
	case rule.Session && p.Kind != BySession:
		return NoSession
	case rule.Server && p.AccountID != research.DefaultAccount:
		return NoServer
	case !p.Role.Includes(rule.Role):
		return NoRole
	case rule.Scope != "" && !p.HasScope(rule.Scope):
		return NoScope
	}
	return Allowed
}
