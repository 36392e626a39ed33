// Package access decides who may call which operation. It does no I/O: internal/auth finds the principal of a
// request, and internal/httpapi asks this package whether the principal may call the operation.
//
// Invariants:
//
//   - Every operation of the contract (operationId in api/openapi.yaml) has exactly one [Rule]. A test fails if an
//     operation has no rule.
//   - A principal needs the role of the rule. If its credential has scopes, it also needs the scope of the rule.
//   - The decision never depends on the account whose data is requested. A principal belongs to one account, and all
//     data is read through store.For(account), in which data of other accounts does not exist. So requests for such
//     data get 404.
package access
