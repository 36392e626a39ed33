// Package openid logs people in at the one OpenID provider that the configuration names (OpenID Connect Core 1.0, the
// authorization code flow with PKCE, RFC 7636).
//
// Invariants:
//
//   - The addresses and keys of the provider are requested when the first login begins, so that the server can start while the
//     provider is down.
//   - State, nonce and PKCE verifier are random for each login. An answer is accepted only with the values of its login.
//   - Answers of the provider are bounded in size and time.
//   - An e-mail address is used only when the provider says that it has verified the address.
package openid
