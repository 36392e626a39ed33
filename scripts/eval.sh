#!/usr/bin/env bash
# Starts a legwork of its own (fresh data, a free port, no politeness towards the loopback manual), asks it the questions of
# a file and stops it again. Ends with the status of the runner: 0 when at least MIN of the questions are found.
#
#   make eval                                     # PostgreSQL's manual, apt-get install postgresql-doc-15
#   make eval DOCS=/usr/share/doc/python3.11-doc QUESTIONS=eval/python.jsonl
#   make eval ARGS='--only max-connections'       # further flags of eval/run
#
# Every page is requested anew (PAGE_TTL=0), so that the seconds per question are those of reading, not of the cache.
# The report is written to eval/results/NAME.json. Real environment variables of legwork (DATABASE_URL, LLM_*) are passed on.
set -euo pipefail
cd "$(dirname "$0")/.."
docs=${DOCS:-/usr/share/doc/postgresql-doc-15} questions=${QUESTIONS:-eval/postgresql.jsonl} min=${MIN:-0.8}
[ -d "$docs" ] || { echo "eval: no manual at $docs; install it (apt-get install postgresql-doc-15) or set DOCS" >&2; exit 2; }
[ -x bin/legwork ] || { echo "eval: bin/legwork is missing; run make build" >&2; exit 2; }
root=$PWD work=$(mktemp -d) pid=

finish() {
  status=$?
  if [ -n "$pid" ]; then kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; fi
  if [ "$status" -gt 1 ]; then echo "eval: the end of the server's log:" >&2; tail -n 20 "$work/legwork.log" >&2 || true; fi
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

# Port 0 takes a free one; the log says which.
cd "$work" # no .env of the project here
env API_HOST=127.0.0.1 API_PORT=0 LEGWORK_HOME="$work/home" LOG_FORMAT=text LOG_TARGET=console LOG_LEVEL=info \
  FETCH_ALLOW_NETS=127.0.0.0/8 REQUEST_DELAY_MIN=0 REQUEST_DELAY_MAX=0 RATE_LIMIT_REQUESTS=100000 SEARCH_ENGINES=library PAGE_TTL="${PAGE_TTL:-0}" \
  "$root/bin/legwork" serve >"$work/legwork.log" 2>&1 </dev/null &
pid=$!
cd "$root"
api=
for _ in $(seq 600); do # a minute: the first start may have to download PostgreSQL
  api=$(sed -n 's/.*msg="the API listens" url=\(http[^ ]*\).*/\1/p' "$work/legwork.log" | head -n 1)
  if [ -n "$api" ]; then break; fi
  kill -0 "$pid" 2>/dev/null || { echo "eval: the server ended:" >&2; cat "$work/legwork.log" >&2; exit 2; }
  sleep 0.1
done
[ -n "$api" ] || { echo "eval: the server did not come up within a minute" >&2; exit 2; }

mkdir -p eval/results
# ARGS is split into words on purpose.
# shellcheck disable=SC2086
go run ./eval/run --api "$api" --docs "$docs" --questions "$questions" --min "$min" \
  --json "eval/results/$(basename "$questions" .jsonl).json" ${ARGS:-}
