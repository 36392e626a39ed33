// Package browser is a page.Source that reads pages with Chromium. A page.Fetcher loads each document over HTTP, once. A document that
// runs scripts is then shown in a tab, and read again when the page has stopped changing.
//
// Invariants:
//
//   - A failure of the browser never makes a page unreadable. If a page cannot be shown, the text that the server sent is used, and the
//     visit says so. If a tab or the browser crashes, the page is tried once more. A page that never stops changing is read when its time
//     limit is reached.
//   - Only the Fetcher requests the document of a page, once, under the policy of the session. The tab gets the bytes that the Fetcher
//     received. The page's own requests (scripts, styles, frames, data) go through the given proxy. Nothing bypasses the proxy: this
//     includes requests to loopback addresses, name resolution, QUIC, and WebRTC over UDP. If nothing listens at the proxy's address, no
//     request succeeds.
//   - A page is shown in a sandbox: it cannot leave its tab, open windows or download files, and its dialogs are dismissed. If a
//     script navigates to another address, the Fetcher loads that address, if the policy allows it.
//   - A tab shows pages of one session only, one after the other. Each page is unloaded before the next one starts.
//   - Each session has its own BrowserContext, which shares no cookies and no storage with others, and is removed when the session ends.
//   - At most one Chromium takes new pages. It is replaced after a number of pages, when it ends, and when it does not answer. All
//     processes and profile folders are removed by Close, or when our process is killed; folders that remain are removed at the next start.
//     In a remote Chromium, nothing is changed except the BrowserContexts that we create.
//   - Our scripts run in an isolated world, so that a page cannot change them.
package browser
