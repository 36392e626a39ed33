// Package browser is a page.Source that reads pages with Chromium. A page.Fetcher loads each document over HTTP, once. A document that
// runs scripts is then shown in a tab, and read again when the page has stopped changing.
//
// Invariants:
//
//   - A failure of the browser never makes a page unreadable. If a page cannot be shown, the text that the server sent is used, and the
//     visit says so. If a tab or the browser crashes, the page is tried once more. A page that never stops changing is read when
//     its time is over.
//   - Only the Fetcher requests the document of a page, once, under the policy of the session. The tab gets the bytes that were
//     received. The page's own requests (scripts, styles, frames, data) go through the given proxy. Nothing bypasses the proxy:
//     there is no exception for loopback, and no name resolution, QUIC or WebRTC over UDP outside of it. If nothing listens at
//     the proxy's address, no request succeeds.
//   - A page is shown in a sandbox: it cannot leave its tab, open windows or download files, and its dialogs are dismissed. If a
//     script navigates to another address, the Fetcher loads that address, if the policy allows it.
//   - A tab shows pages of one session only, one after the other. Each page is unloaded before the next one starts.
//   - Each session has its own BrowserContext. It shares no cookies and no storage with others, and is removed with the session.
//   - At most one Chromium takes new pages. It is replaced after a number of pages, when it ends, and when it does not answer. All
//     processes and profile folders are removed by Close, or when our process is killed; folders that remain are removed at the
//     next start. In a remote Chromium, nothing is changed except our own contexts.
//   - Our scripts run in an isolated world, so that a page cannot change them.
package browser
