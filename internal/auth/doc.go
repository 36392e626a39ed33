// Package auth finds the caller of a request. Each [Method] checks one kind of credential: API keys in this package, sessions,
// tickets and bearer tokens in its subpackages. Package internal/access decides what the caller may do.
//
// Invariants:
//
// - A request has one credential: the first one that a method finds. If it is not valid, the request is refused, even
// if it has a second, valid credential.
//   - The result of a check is cached for at most half a minute, and only while this process receives the notices of
//     changed credentials (see [Authenticator.Listening]). A notice removes the results of the credentials that it
//     names. The result of a check that was running when a notice arrived is not cached.
//   - An open stream ends within a second after its credential was revoked or has expired, in every process. While
//     the connection for notices is broken, streams continue. When it is restored, the credentials of all open
//     streams are checked again.
//   - Secrets are compared in constant time, and never logged.
package auth
