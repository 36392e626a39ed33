// Package logins implements the operations of the contract for logins, sessions, tickets and invitations.
//
// Invariants:
//
//   - Before an operation is called, internal/httpapi has checked that the caller may call it. An id of another user or account
//     is answered with 404.
//   - A secret (cookie, ticket, token of an invitation) is sent once, to the caller who created it, and never logged.
//   - Callers cannot give a role above their own.
package logins
