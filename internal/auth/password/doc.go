// Package password hashes passwords and judges whether a new one is good enough. It does no I/O.
//
// Invariants:
//
//   - A password is stored as an argon2id hash in PHC form, with a salt of its own. Nothing here logs or returns a password.
//   - The memory of hashing is bounded: at most a fixed number of hashes are computed at the same time, and a caller that
//     cannot get its turn soon gets [ErrBusy] instead of memory.
//   - Verifying the password of somebody who does not exist costs as much as verifying a real one.
package password
