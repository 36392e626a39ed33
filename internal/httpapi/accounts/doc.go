// Package accounts implements the operations of the contract that manage who may use an account: API keys, members and the
// audit log. internal/httpapi has checked the caller's right to the operation before one is called.
//
// Invariants:
//
//   - Everything is done in the caller's account. An id of another account is answered like one that does not exist.
//   - Nobody can give more than they have: a key's scopes and a member's role are bounded by those of the caller.
//   - The secret of a key is in the answer that creates it and nowhere else.
package accounts
