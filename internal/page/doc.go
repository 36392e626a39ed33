// Package page loads documents from the web and reads them as text, links and passages.
//
// Invariants:
//
//   - No connection is opened to a private, loopback, link-local, metadata or otherwise reserved address, nor to a port other than
//     80 and 443, except in the networks of Config.AllowNets. The address is checked when connecting, after the name was
//     resolved. So redirects, decimal addresses and DNS rebinding cannot bypass the check. Proxy settings in the environment are
//     ignored.
//   - Addresses are parsed as browsers do (package weburl). An address with a user name or password is never opened, and no message
//     repeats it.
//   - Each URL is requested only if the policy of the call and the robots.txt of its host allow it, and after the Gate has reserved a time
//     for the request. This includes redirect targets. Requests for robots.txt do not wait for the Gate.
//   - Headers, bodies (compressed and uncompressed), redirects and time are bounded.
//   - Each load has its own cookies, which are dropped when it ends. They are needed because some sites redirect until they receive their
//     cookie.
//   - The bytes of a document decide how it is read; the Content-Type comes second (package representation).
//   - A load that fails is a result: its Visit has an Outcome and a sentence. An error means that the context was cancelled or that
//     the Gate failed.
//   - All text in results is clean (package plaintext): valid UTF-8 in normalisation form C, without NUL and control characters.
package page
