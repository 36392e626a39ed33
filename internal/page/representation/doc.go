// Package representation prepares the body that a server sent: it removes the content codings, finds the kind of document, and
// decodes the text to UTF-8. (RFC 9110 calls the body and its headers the representation of a resource.)
//
// Invariants:
//
//   - The bytes count more than the headers. Binary data is never read as text, whatever its label says.
//   - A wrong label is ignored and is no error: an unknown content coding, a gzip label on plain bytes, or a charset in which
//     the text has replacement characters.
//   - Every output is bounded, by the caller's limit or by a small multiple of the input. Time is linear.
//   - No function does I/O or keeps state.
package representation
