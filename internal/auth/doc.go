// Package auth finds out who a request is from. Each [Method] knows one kind of credential: API keys here, sessions, tickets
// and bearer tokens in packages beside it. What the principal may do is decided by internal/access.
//
// Invariants:
//
//   - A request has one credential, the first one that a method finds. When that one is not valid the request is refused, even
//     if it carries another one.
//   - The outcome of a check is remembered for half a minute at most, and only while this process hears the notices of
//     changes (see [Authenticator.Listening]). After a notice nobody is taken for what was remembered before it: a check that
//     began before the notice is not remembered after it.
//   - An open stream ends within a second after its credential was revoked or has expired, in every process. While the
//     connection for notices is broken, streams go on; when it is there again, each credential is looked up anew.
//   - Secrets are compared in constant time, and never logged.
package auth
