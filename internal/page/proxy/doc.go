// Package proxy is the forward proxy through which a browser reaches the web, so that the browser's connections obey the
// same rules as those of page.Fetcher.
//
// What holds:
//
//   - Every connection to the web is made with page.Dialer: public addresses and ports 80 and 443 only, but for the networks
//     of Config.AllowNets, judged on the resolved address at the moment of connecting. What a page does with names,
//     redirects, rebinding, odd spellings of addresses, WebSockets or CONNECT does not matter.
//   - Nobody uses the proxy without its credentials, which are random and live as long as the process.
//   - Nothing is unbounded: not the clients, not a header, not the silence on a connection, not its age, not its bytes.
//   - No hop-by-hop header passes (RFC 9110 §7.6.1), no credentials of the proxy leave it, and the Host that a server
//     sees is the one that was dialled.
//   - The proxy does not look into TLS and keeps nothing that passes.
package proxy
