// Package httpapi serves the contract in api/openapi.yaml over HTTP, WebSocket and server-sent events.
//
// Invariants:
//
//   - Every error, whichever layer it comes from, leaves through writeProblem in the one envelope. Causes go to the log.
//   - Nothing is written for a request that is refused: input is decoded and checked before any service is called.
//   - A request body is never read beyond its limit, and a stream's backlog never sits in memory: streams pull frames
//     from their subscription at the pace of their client.
//   - A page of another site changes nothing, and one whose name was made to resolve to this machine reads nothing either.
//   - A client that leaves ends its own connection and nothing else.
//   - What answers JSON implements api.StrictServerInterface; what upgrades, streams or serves bytes is routed by hand.
package httpapi
