// Package pgembed runs a PostgreSQL server below LEGWORK_HOME, for users without a DATABASE_URL.
//
// Invariants:
//
//   - Data is never deleted. A new data folder is created under another name and renamed when it is complete. So Home/postgres is a
//     complete cluster or does not exist. A folder with data of another major version, or with other files, is refused with a
//     sentence that says what to do.
//   - Only one legwork process uses a Home: it holds an exclusive flock on Home/postgres.lock while the server runs. The kernel releases
//     the lock when the process ends, so the file never has to be removed by hand. The file also contains the process id and the URL.
//   - The server never outlives the process that started it. On Linux the kernel sends the server SIGINT (fast shutdown) when the thread
//     that started it ends, even after kill -9. On other systems a small shell sends SIGINT when a pipe from this process is closed.
//   - The server never runs as root. If this process is root, the server runs as the owner of the data, else as "postgres", else as
//     "nobody".
//   - Other users cannot connect: there is no TCP, the Unix socket is in a folder with mode 0700, and the password (SCRAM) is random
//     and stored in the data folder with mode 0600. Environment variables with secrets are not passed on.
//   - A download is unpacked only if its SHA-256 equals the one in this package.
//
// Files below Home: postgres/ (the cluster), postgres.lock, postgres.log and postgres.log.1 (the server's log), and postgres.new-* (a
// cluster that is being created; removed later if the process that created it has ended).
//
// The package works on Linux and macOS.
package pgembed
