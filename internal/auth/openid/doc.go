// Package openid logs people in at the one OpenID provider that the configuration names (OpenID Connect Core 1.0, the
// authorization code flow with PKCE, RFC 7636).
//
// Invariants:
//
//   - The provider is asked for its addresses and keys when the first login begins, so that one that is down does not keep the
//     server from starting.
//   - State, nonce and PKCE verifier are random for each login. What comes back counts only together with them.
//   - What the provider sends is bounded in size and time.
//   - An e-mail address counts only when the provider says that it has verified it.
package openid
