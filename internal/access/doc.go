// Package access decides who may do what. It does no I/O: internal/auth finds out who a request is from, and
// internal/httpapi asks this package whether that principal may call the operation.
//
// Invariants:
//
//   - Every operation of the contract (operationId in api/openapi.yaml) has exactly one [Rule]. A test compares the table with
//     the contract, so an operation without an entry fails the build.
//   - A principal needs both: the role of the rule, and, if its credential has scopes, the scope of the rule.
//   - The decision never depends on whose data is asked for. A principal has one account, and everything is read through
//     store.For(account), where another account's data does not exist (404).
package access
