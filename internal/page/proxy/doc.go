// Package proxy is the forward proxy between the browser and the web. It applies the rules of page.Fetcher to the browser's connections.
//
// Invariants:
//
//   - Every connection to the web is made by page.Dialer: to public addresses on ports 80 and 443, and to the networks in
//     Config.AllowNets. The dialer checks the resolved address right before it connects. So host names, redirects, DNS
//     rebinding, unusual spellings of addresses, WebSockets and CONNECT cannot bypass the rules.
//   - Clients need the proxy's credentials, which are random and new at each start.
//   - The following are limited: the number of clients, the size of headers, and the idle time, age and bytes of each connection.
//   - Hop-by-hop headers (RFC 9110 §7.6.1) and the proxy's credentials are not forwarded. The Host header in a forwarded request is the
//     host that the proxy has connected to.
//   - The proxy does not decrypt TLS, and stores nothing that it forwards.
package proxy
