// Package pgembed runs a PostgreSQL server of our own below LEGWORK_HOME, for everyone who has no DATABASE_URL.
//
// Invariants:
//
//   - Data is never deleted. A new data folder is made under another name and renamed when it is complete. So
//     Home/postgres is a whole cluster or does not exist. A folder of another major version, or one that holds
//     something else, is refused with a sentence that says what to do.
//   - One legwork per Home: an exclusive flock on Home/postgres.lock is held while the server runs. The kernel
//     releases it when the process dies, so it never has to be removed by hand. The file also names the
//     process that holds it and its URL.
//   - The server never runs longer than its process. On Linux the kernel sends it SIGINT (fast shutdown) when
//     the thread that started it ends, also after kill -9. Elsewhere a small shell does it, which waits until
//     our end of a pipe is closed.
//   - The server never runs as root. When this process is root, the server runs as the owner of the data, else
//     as "postgres", else as "nobody".
//   - Nobody else can connect: there is no TCP, the Unix socket is in a folder with mode 0700, and the
//     password (SCRAM) is random and stored in the data folder with mode 0600. Our environment (API keys) is
//     not passed on.
//   - A download is unpacked only if its SHA-256 equals the one in this package.
//
// Files below Home: postgres/ (the cluster), postgres.lock, postgres.log and postgres.log.1 (the server's own
// log), postgres.new-* (a cluster that is being made; removed when the process that made it has died).
//
// The package works on Linux and macOS.
package pgembed
