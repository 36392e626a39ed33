// Package httpapi serves the contract in api/openapi.yaml over HTTP, WebSocket and server-sent events.
//
// Invariants:
//
//   - Every error is sent by writeProblem in one envelope, whichever layer it comes from. Its cause is only
//     logged.
//   - A request that is refused writes nothing: input is decoded and checked before any service is called.
//   - A request body is never read beyond its limit. Events that a client has not read yet do not collect in
//     memory: a stream takes them from its subscription as fast as its client reads.
//   - A page of another site can change nothing. If its name was made to resolve to this machine, it cannot
//     read anything either.
//   - A client that leaves ends its own connection and nothing else.
//   - Operations that answer with JSON implement api.StrictServerInterface. Those that upgrade, stream or
//     serve bytes are routed by hand.
package httpapi
