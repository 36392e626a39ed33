#!/usr/bin/env bash
# Runs legwork on a Patroni cluster: three nodes in network namespaces, each with etcd, Patroni and PostgreSQL, and synchronous
# replication. The primary is changed by a switchover, and its node is killed without closing connections, both under load. No accepted
# task may be lost, and tasks must be accepted again within 15 s of a promotion. It takes about two minutes, half of it the times that
# Patroni waits, and at most ten. It needs root and Debian's packages patroni, etcd-server, postgresql, iproute2 and nftables.
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || { echo "run this as root: it makes network namespaces"; exit 1; }
for program in patroni etcd ip nft setpriv; do
  command -v "$program" >/dev/null || { echo "$program is missing: apt-get install patroni etcd-server iproute2 nftables"; exit 1; }
done
export LEGWORK_TEST_PATRONI=1 LEGWORK_TEST_FAULTS=1
exec "${GO:-go}" test -tags failpoints -count=1 -timeout 10m -v -run '^TestPatroni$' "$@" ./cmd/legwork
