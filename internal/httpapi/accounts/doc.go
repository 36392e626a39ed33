// Package accounts implements the operations of the contract for API keys, members and the audit log of an account. Before it
// calls an operation, internal/httpapi has checked that the caller may call it.
//
// Invariants:
//
//   - Each operation uses the caller's account only. An id of another account is treated as an id that does not exist.
//   - Callers cannot give more rights than they have: neither by the scopes of a key nor by the role of a member.
//   - Only the answer to the creation of a key contains its secret.
package accounts
