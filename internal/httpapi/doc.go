// Package httpapi serves the contract in api/openapi.yaml over HTTP, WebSocket and server-sent events.
//
// Invariants:
//
//   - Every error is sent by problem.Write in one envelope, whichever layer it comes from. Its cause is only
//     logged.
//   - A request that is refused writes nothing: input is decoded and checked before any service is called.
//   - A request body is never read beyond its limit. A stream takes events from its subscription only as fast as its
//     client reads, so a slow client does not use more memory.
//   - A page of another site cannot change anything. It cannot read anything either, even if its host name resolves to
//     this machine.
//   - When a client closes its connection, nothing but that connection ends.
//   - Operations that answer with JSON implement api.StrictServerInterface. WebSockets, event streams and files have
//     routes of their own.
package httpapi
