// Package proxy is the forward proxy through which a browser reaches the web, so that the browser's connections obey the
// same rules as those of page.Fetcher.
//
// Invariants:
//
//   - Every connection to the web is made with page.Dialer: to public addresses and ports 80 and 443 only, and to the networks
//     of Config.AllowNets. The dialer checks the resolved address right before it connects. So no trick with names, redirects,
//     rebinding, odd spellings of addresses, WebSockets or CONNECT gets around it.
//   - A client needs the proxy's credentials. They are random and change with each start.
//   - Everything is bounded: the number of clients, the size of headers, and how long a connection may be silent, how old it
//     may get and how many bytes it may carry.
//   - Hop-by-hop headers are removed (RFC 9110 §7.6.1), and so are the proxy's credentials. The Host that a server sees is
//     the one that was dialled.
//   - The proxy does not decrypt TLS and stores nothing of what it forwards.
package proxy
