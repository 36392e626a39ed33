// Package bearer checks access tokens (JWT, RFC 9068) of the one issuer that the configuration names.
//
// Invariants:
//
//   - Only asymmetric signatures count (RS256, ES256, EdDSA), made with a key that the issuer publishes (JWKS, RFC 7517) under the
//     token's kid. A token never brings its key along.
//   - Issuer, audience and expiry are demanded, never optional.
//   - Tokens and key sets are bounded in size. A token with an unknown kid makes the keys be fetched again at most once a
//     minute, so that nobody can make this server flood the issuer.
package bearer
