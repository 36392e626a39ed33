// Package forwarded tells which client a request is from when the server is behind proxies, and by which host names the
// server may be addressed. It does no I/O.
//
// Invariants:
//
//   - The header is used only if the connection comes from a trusted proxy. Anybody else can write any text into it.
//   - The header is read from its end, because each proxy appends the address of the host that has connected to it.
//     The first address from the end that is not a trusted proxy is the client. The text before it was written by the
//     client.
//   - If a part of the header cannot be parsed, the text before this part is ignored, too. The client is then the
//     last address that was read, or else the proxy.
//   - The request's own address is never changed: handlers find the client in the context.
package forwarded
