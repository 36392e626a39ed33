// Package page loads documents from the web politely and safely, and turns them into text, links and passages.
//
// Invariants:
//
//   - No connection is opened to a private, loopback, link-local, metadata or otherwise reserved address, nor to a port other
//     than 80 and 443, unless the address is in a network of Config.AllowNets. The check is made when connecting, after the
//     name was resolved, so redirects, decimal addresses and DNS rebinding do not get around it. Proxy variables of the
//     environment are ignored.
//   - Addresses are read as browsers read them (package weburl). One with a user name or password is never opened, and no
//     text repeats it.
//   - Each URL that is requested, redirect targets included, was allowed by the policy of the call and by the robots.txt of
//     its host, and waited for its turn at the Gate. Requests for robots.txt files themselves do not wait at the Gate.
//   - Everything that is read is bounded: headers, body (compressed and not), redirects, time.
//   - Cookies last for one load. They are there for sites that redirect until their cookie comes back.
//   - The bytes of a document decide how it is read, before its Content-Type does (package representation).
//   - A load that fails is a result and not an error: its Visit has an Outcome and a sentence. Errors are a cancelled context
//     and a Gate that cannot answer.
//   - All text that leaves the package is clean (package plaintext): valid UTF-8 in normalisation form C, without NUL and
//     control characters.
package page
