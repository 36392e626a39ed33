// Package browser is a page.Source that reads pages with Chromium: documents come over HTTP as a page.Fetcher loads them,
// politely and once, and those that run scripts are shown in a tab and read again when they have come to rest.
//
// What holds for everything it does:
//
//   - The browser adds to reading and never takes from it. A page that cannot be shown is read as the server sent it, and
//     the visit says so. A tab or a browser that dies costs one retry; a page that never rests costs its time limit.
//   - The document of a page is requested by the Fetcher alone, one time, under the policy of the session; the tab gets the
//     bytes that came. What the page asks for itself (scripts, styles, frames, data) goes through the proxy that is handed
//     in, and nothing goes around it: no bypass for loopback, no name lookups, no QUIC, no WebRTC over UDP. Without a
//     listener at the proxy's address nothing is reached.
//   - A page is shown in a sandbox: it does not leave its tab, opens no other, downloads nothing, and its dialogs are answered with
//     no. Where a script wants to lead to, the Fetcher goes, if anybody does.
//   - A tab shows pages of one session only, one after the other; each ends, with all that it runs, before the next begins.
//   - Each session has a BrowserContext of its own, without cookies or storage of others, which ends with it.
//   - At most one Chromium takes new pages; it is replaced after a number of pages, when it dies and when it does not answer. Every
//     process and profile folder ends with Close, or with our process when that is killed; folders that were left behind all
//     the same are removed at the next start. A Chromium that somebody else runs is left as it was found.
//   - Pages are evaluated in an isolated world, so that a page cannot reach into the scripts that read it.
package browser
