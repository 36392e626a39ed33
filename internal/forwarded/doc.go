// Package forwarded tells which client a request is from when the server is behind proxies. It does no I/O.
//
// Invariants:
//
//   - A header counts only when the connection comes from a trusted proxy. Anybody else can write what he likes into it.
//   - The header is read from its end, because each proxy adds the address that it was connected from. The first address
//     from the end that is not a trusted proxy is the client. What stands before it was written by the client.
//   - A header that cannot be understood never names a client. The nearest address that is certain counts instead.
//   - The connection of a request is never changed: handlers find the client in the context.
package forwarded
