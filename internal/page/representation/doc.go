// Package representation finds out what a server sent: it undoes the content codings, tells the kind of document, and gives
// its text in UTF-8. (RFC 9110 calls what a response carries the representation of a resource.)
//
// Invariants:
//
//   - The bytes decide before the headers do. What is binary is never taken for text, whatever its label says.
//   - A label that does not fit is passed over, and not an error: unknown content codings, a gzip label on plain bytes, a
//     charset in which the text has replacement characters.
//   - Every output is bounded, by a limit that the caller gives or by a small multiple of the input. Time is linear.
//   - Nothing here does I/O or keeps state.
package representation
