#!/usr/bin/env bash
# Starts a legwork server and asks it the questions in eval/. The server has new data, a free port, no pauses between requests to the
# manuals on loopback, only the search engine library, and no snapshots of earlier questions, which would make it faster. Then doctor
# audits all data that the evaluation has made. The exit status is 0 if in each corpus enough questions are found and the audit
# finds nothing.
#
#   make eval                                     # PostgreSQL's and Python's manuals, from Debian's packages
#   make eval DOCS=/usr/share/doc/python3.11-doc QUESTIONS=eval/python.jsonl MIN=0.7
#   make eval ARGS='--only max-connections'       # further flags of eval/run
#   make eval ARGS='--compare eval/results/before.json'
#   LLM_PROVIDER=openai LLM_BASE_URL=http://127.0.0.1:8080/v1 LLM_MODEL=qwen3 make eval   # any provider
#
# The report is written to eval/results/NAME.json, where NAME is RESULT or "latest". Real environment variables of legwork
# (DATABASE_URL, LLM_*) are passed on.
set -euo pipefail
cd "$(dirname "$0")/.."

# manual finds the folder of a Debian package with a manual: the first that has html/index.html.
manual() {
  for folder in "$@"; do
    if [ -f "$folder/html/index.html" ]; then echo "$folder"; return; fi
  done
  return 1
}
if [ -z "${DOCS:-}" ]; then
  if [ -n "${QUESTIONS:-}" ]; then echo "eval: QUESTIONS needs DOCS, the folder of its manual" >&2; exit 2; fi
  postgresql=$(manual /usr/share/doc/postgresql-doc-15 /usr/share/doc/postgresql-doc-*) ||
    { echo "eval: PostgreSQL's manual is missing: apt-get install --no-install-recommends postgresql-doc-15" >&2; exit 2; }
  python=$(manual /usr/share/doc/python3.11-doc /usr/share/doc/python3-doc /usr/share/doc/python3.*-doc) ||
    { echo "eval: Python's manual is missing: apt-get install --no-install-recommends python3.11-doc" >&2; exit 2; }
  DOCS=$postgresql,$python QUESTIONS=eval/postgresql.jsonl,eval/python.jsonl MIN=${MIN:-0.8,0.7}
fi
questions=${QUESTIONS:-eval/postgresql.jsonl} min=${MIN:-0.8}
name=eval root=$PWD work=$(mktemp -d)
. scripts/server.sh

finish() {
  status=$?
  stop_server
  if [ "$status" -gt 1 ]; then echo "eval: the end of the server's log:" >&2; tail -n 20 "$work/legwork.log" >&2 || true; fi
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

start_server SEARCH_ENGINES=library PAGE_TTL=0

mkdir -p eval/results
status=0
# ARGS is unquoted, so that it is split into words.
# shellcheck disable=SC2086
go run ./eval/run --api "$api" --docs "$DOCS" --questions "$questions" --min "$min" \
  --json "eval/results/${RESULT:-latest}.json" ${ARGS:-} || status=$?

stop_server
echo
(cd "$work" && LEGWORK_HOME="$work/home" "$root/bin/legwork" doctor 2>/dev/null) >"$work/doctor.txt" || true
grep -E '^(ok|FAIL) +audit' "$work/doctor.txt" || { echo "eval: doctor did not audit:" >&2; cat "$work/doctor.txt" >&2; exit 2; }
if grep -qE '^FAIL +audit' "$work/doctor.txt"; then status=1; fi
exit "$status"
