// Package bearer checks access tokens (JWT, RFC 9068) of the one issuer that the configuration names.
//
// Invariants:
//
//   - Only asymmetric signatures are accepted (RS256, ES256, EdDSA). The key is the one that the issuer publishes
//     (JWKS, RFC 7517) under the token's key id (kid). A key inside a token is ignored.
//   - A token must have the claims issuer, audience and expiry.
//   - The sizes of tokens and key sets are bounded. When tokens have an unknown kid, the keys are fetched again at
//     most once a minute, so that clients cannot make this server flood the issuer with requests.
package bearer
