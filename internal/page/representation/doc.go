// Package representation prepares the body that a server sent: it removes the content codings, finds the kind of document, and
// decodes the text to UTF-8. (RFC 9110 calls the body and its headers the representation of a resource.)
//
// Invariants:
//
//   - If the bytes and the headers disagree, the bytes decide. Binary data is never read as text, whatever its Content-Type says.
//   - A wrong header is ignored and is not an error: an unknown content coding, a gzip coding for bytes that are not compressed, or a
//     charset in which the text has replacement characters.
//   - Every output is limited, by the caller's limit or to a small multiple of the input. The time is linear in the input.
//   - No function does I/O or keeps state.
package representation
