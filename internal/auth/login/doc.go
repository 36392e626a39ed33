// Package login lets people in: by password, by an OpenID provider, and by invitation. Each way ends in a session.
//
// Invariants:
//
//   - Nobody learns from an answer, or from the time that it takes, whether an e-mail address belongs to a user.
//   - A login attempt is counted as failed before its password is looked at, so attempts at the same time cannot pass the limit
//     together. From the fifth failure in a row of an e-mail address on, each one doubles the time until the next may be made;
//     of a client address from the twentieth on, because many people may share one.
//   - A session begins with a new id and a new secret at each login.
package login
