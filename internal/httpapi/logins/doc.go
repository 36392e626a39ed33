// Package logins implements the operations of the contract with which people come in: logins, sessions, tickets and invitations.
//
// Invariants:
//
//   - Whether a caller may call an operation was decided before (internal/access). What belongs to somebody else is 404 here.
//   - A secret (cookie, ticket, token of an invitation) is sent once, to the one who made it, and never logged.
//   - Nobody gives a role above their own.
package logins
