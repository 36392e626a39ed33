#!/usr/bin/env bash
# Practises a recovery to a point in time: it starts a PostgreSQL that archives its log, takes a base backup, lets legwork work,
# deletes all tasks "by mistake", throws the server away, recovers to the moment before the mistake, and checks what is there.
# docs/howto/back-up.md describes the same steps for a real server. It needs PostgreSQL's programs (server and psql) and
# uses nothing outside a temporary folder.
#
#   scripts/point-in-time.sh            # LEGWORK=path of the program; default: it is built. PG_BIN=folder of initdb
set -euo pipefail
cd "$(dirname "$0")/.."
die() { echo "point-in-time: $*" >&2; exit 1; }

PG_BIN=${PG_BIN:-$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)}
[ -n "$PG_BIN" ] || PG_BIN=$(dirname "$(command -v initdb || die "there is no initdb; set PG_BIN")")
dir=$(mktemp -d /tmp/legwork-pit-XXXXXX)
as() { "$@"; } # PostgreSQL refuses to run as root
if [ "$(id -u)" = 0 ]; then
  chown postgres "$dir" || die "PostgreSQL does not run as root, and there is no user postgres"
  as() { (cd "$dir" && exec setpriv --reuid=postgres --regid=postgres --clear-groups "$@"); }
fi
trap 'for d in "$dir"/primary "$dir"/recovered; do [ -f "$d/postmaster.pid" ] && as "$PG_BIN/pg_ctl" -D "$d" -m immediate -w stop >/dev/null; done; rm -rf "$dir"' EXIT
as mkdir "$dir/archive" "$dir/socket"

# 1. A server that archives each piece of its log. -w 5432: the port is only a part of the socket's name.
as "$PG_BIN/initdb" -D "$dir/primary" -U legwork --auth=trust --encoding=UTF8 --no-sync >/dev/null
cat >>"$dir/primary/postgresql.conf" <<CONF
listen_addresses = ''
unix_socket_directories = '$dir/socket'
archive_mode = on
archive_command = 'test ! -f "$dir/archive/%f" && cp "%p" "$dir/archive/%f"'
CONF
start() { as "$PG_BIN/pg_ctl" -D "$1" -l "$dir/$2.log" -w -t 60 start >/dev/null || { cat "$dir/$2.log" >&2; die "the server $2 does not start"; }; }
start "$dir/primary" primary
as "$PG_BIN/createdb" -h "$dir/socket" -U legwork legwork
sql() { as "$PG_BIN/psql" -h "$dir/socket" -U legwork -d legwork -XAtqc "$1"; }

# 2. An installation with work done before and after the base backup.
if [ -z "${LEGWORK:-}" ]; then LEGWORK=$dir/legwork; go build -o "$LEGWORK" ./cmd/legwork; fi
mkdir "$dir/home"
legwork() {
  env DATABASE_URL="postgres://legwork@/legwork?host=$dir/socket" LEGWORK_HOME="$dir/home" AUTH_MODE=off API_HOST=127.0.0.1 LLM_PROVIDER=reader \
    BROWSER=off SEARCH_ENGINES=library SEARCH_FALLBACK=library LOG_LEVEL=error "$LEGWORK" "$@"
}
legwork ingest --base-url https://docs.invalid/ docs/howto >/dev/null
ask() { legwork ask --engine library "$1" >/dev/null; }
ask "How is a quote verified?"
as "$PG_BIN/pg_basebackup" -h "$dir/socket" -U legwork -D "$dir/base" --checkpoint=fast
ask "How long is a lease?"
moment=$(sql "SELECT clock_timestamp()")
echo "2 tasks at $moment"

# 3. The mistake, and work after it that the recovery must leave out.
sql "DELETE FROM tasks"
ask "What does legwork gc do?"
sql "SELECT pg_switch_wal()" >/dev/null
last=$(sql "SELECT last_archived_wal FROM pg_stat_archiver")
for _ in $(seq 200); do # the archiver copies the piece that was just closed
  [ "$(sql "SELECT last_archived_wal FROM pg_stat_archiver")" != "$last" ] && break
  [ "$(sql "SELECT last_archived_wal >= pg_walfile_name(pg_current_wal_lsn() - 1) FROM pg_stat_archiver")" = t ] && break
  sleep 0.1
done
as "$PG_BIN/pg_ctl" -D "$dir/primary" -m immediate -w stop >/dev/null
as mv "$dir/primary" "$dir/lost"

# 4. The recovery: the base backup, and the archived log up to the moment before the mistake.
began=$(date +%s%N)
as cp -a "$dir/base" "$dir/recovered"
cat >>"$dir/recovered/postgresql.conf" <<CONF
archive_mode = off
restore_command = 'cp "$dir/archive/%f" "%p"'
recovery_target_time = '$moment'
recovery_target_action = promote
CONF
as touch "$dir/recovered/recovery.signal"
start "$dir/recovered" recovered
for _ in $(seq 600); do [ "$(sql "SELECT pg_is_in_recovery()")" = f ] && break; sleep 0.1; done
echo "recovered in $(( ($(date +%s%N) - began) / 1000000 )) ms"

# 5. What must be there: the two tasks with their events, citations and files, and not the third.
[ "$(sql "SELECT count(*) FROM tasks WHERE status = 'completed'")" = 2 ] || die "$(sql "SELECT count(*) FROM tasks") tasks after the recovery, want 2"
legwork doctor | tee "$dir/doctor.txt"
grep -q '^ok    audit' "$dir/doctor.txt" || die "the audit of the recovered database found something"
ask "How are tasks retried?"
[ "$(sql "SELECT count(*) FROM tasks")" = 3 ] || die "the recovered database takes no new task"
echo "The recovery works: 2 tasks of before the mistake are back, and new ones are accepted."
