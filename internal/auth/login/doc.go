// Package login logs users in: by password, by an OpenID provider, or by an invitation. Each login creates a session.
//
// Invariants:
//
//   - Neither the answer nor its duration shows whether an e-mail address belongs to a user.
//   - A login attempt is counted as failed before its password is checked, so that attempts at the same time cannot exceed the
//     limit together. From the fifth failure in a row on, an e-mail address must wait before the next attempt, twice as long
//     after each further failure. For a client address this begins at the twentieth failure, because many people may share
//     one.
//   - Each login creates a session with a new id and a new secret.
package login
