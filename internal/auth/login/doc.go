// Package login logs users in: by password, by an OpenID provider, or by an invitation. Each login creates a session.
//
// Invariants:
//
//   - Neither the answer nor its duration shows whether an e-mail address belongs to a user.
//   - A login attempt is counted as failed before its password is checked, so that simultaneous attempts cannot
//     exceed the limit together. After five failures in a row, an e-mail address must wait before the next attempt.
//     The wait doubles with each further failure. A client address must wait only after twenty failures, because many
//     people may share an address.
//   - Each login creates a session with a new id and a new secret.
package login
