// Package files implements the operations of the contract on the files of tasks: their list, and each file with validators and
// ranges (RFC 9110). Before it calls an operation, internal/httpapi has checked that the caller may call it.
//
// Invariants:
//
//   - Only files that have a row in the caller's account are sent. A name that leaves the folder of its task does not exist.
//   - A file that can be made from the database is also sent when it cannot be written or read.
//   - Browsers run nothing that a file contains.
package files
