// Package pgembed runs a PostgreSQL server of our own below LEGWORK_HOME, for everyone who has no DATABASE_URL.
//
// Invariants:
//
//   - Data is never wiped. A new data folder is made beside its place and renamed into it when it is complete, so
//     Home/postgres either is a whole cluster or does not exist. A folder of another major version, or one that holds
//     something else, is refused with a sentence that says what to do.
//   - One legwork per Home: an exclusive flock on Home/postgres.lock, held for the life of the server. The kernel
//     drops it when the process dies, so it is never stale. The file also says who holds it and under which URL.
//   - The server never outlives its process. On Linux the kernel sends it SIGINT (fast shutdown) when the thread that
//     started it ends, kill -9 included; elsewhere a small shell that waits on a pipe of ours does.
//   - The server never runs as root. When we are root it runs as the owner of the data, else "postgres", else "nobody".
//   - Nobody else gets in: no TCP, a Unix socket in a folder with mode 0700, and SCRAM with a random password that is
//     stored in the data folder with mode 0600. Our environment (API keys) is not passed on.
//   - Nothing that was downloaded is unpacked before its SHA-256 equals the one pinned in this package.
//
// Files below Home: postgres/ (the cluster), postgres.lock, postgres.log and postgres.log.1 (the server's own log),
// postgres.new-* (a cluster being made; removed when its maker died).
//
// The package works on Linux and macOS.
package pgembed
