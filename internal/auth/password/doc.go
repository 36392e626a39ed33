// Package password hashes passwords, and checks whether a new password is good enough. It does no I/O.
//
// Invariants:
//
//   - A password is stored as an argon2id hash in PHC form, with its own salt. This package does not log or return passwords.
//   - Hashing uses bounded memory: only a fixed number of hashes are computed at the same time. A caller that waits too long
//     gets [ErrBusy].
//   - Verifying the password of a user who does not exist takes as much time as verifying a real one.
package password
