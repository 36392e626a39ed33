#!/usr/bin/env bash
# Starts legwork servers and asks them the questions in eval/. Each server has new data, a free port, no pauses between requests to the
# manuals on loopback, only the search engine library, and no snapshots of earlier questions, which would make it faster. Then doctor
# audits all data that the evaluation has made. The exit status is 0 if enough questions are found and rightly declined, and the audit
# finds nothing.
#
#   make eval                                     # two rounds: the built-in reader, then a scripted model (eval/oracle)
#   make eval ROUNDS=reader                       # one of them
#   LLM_PROVIDER=openai LLM_BASE_URL=http://127.0.0.1:8080/v1 LLM_MODEL=qwen3 make eval   # one round with any provider
#   make eval DOCS=/usr/share/doc/python3.11-doc QUESTIONS=eval/python.jsonl MIN=0.7
#   make eval ARGS='--only max-connections'       # further flags of eval/run
#   make eval ARGS='--compare eval/results/before-reader.json'
#   make eval ROUNDS=oracle LEGWORK=/path/of/an/older/legwork VERIFY_SUPPORT=off RESULT=before   # another version, to compare with
#   JUDGE_BASE_URL=… JUDGE_MODEL=… JUDGE_API_KEY=… make eval   # a judge model decides whether the sources say what the answers say
#
# The manuals are Debian packages: postgresql-doc-15, python3.11-doc, apache2-doc, git-doc, debian-reference-de. EVAL_DOCS names a folder
# in which they were unpacked (apt-get download PACKAGE; dpkg -x PACKAGE.deb FOLDER) if they are not installed.
#
# The reports are written to eval/results/NAME-ROUND.json, where NAME is RESULT or "latest". Real environment variables of legwork
# (DATABASE_URL, LLM_*) are passed on.
set -euo pipefail
cd "$(dirname "$0")/.."

# manual finds the folder of a manual: the first FOLDER that has the page, in EVAL_DOCS or on this machine.
#
#   manual PACKAGE PAGE FOLDER…
manual() {
  local package=$1 page=$2
  shift 2
  for folder in "$@"; do
    for root in ${EVAL_DOCS:+"$EVAL_DOCS"} ""; do
      if [ -f "$root$folder/$page" ]; then echo "$root$folder"; return; fi
    done
  done
  echo "eval: a manual is missing: apt-get install --no-install-recommends $package" >&2
  return 1
}
if [ -z "${DOCS:-}" ]; then
  if [ -n "${QUESTIONS:-}" ]; then echo "eval: QUESTIONS needs DOCS, the folder of its manual" >&2; exit 2; fi
  postgresql=$(manual postgresql-doc-15 html/index.html /usr/share/doc/postgresql-doc-15) || exit 2
  python=$(manual python3.11-doc html/index.html /usr/share/doc/python3.11-doc /usr/share/doc/python3.11) || exit 2
  apache=$(manual apache2-doc manual/en/index.html /usr/share/doc/apache2-doc) || exit 2
  git=$(manual git-doc gitignore.html /usr/share/doc/git-doc) || exit 2
  reference=$(manual debian-reference-de index.de.html /usr/share/debian-reference) || exit 2
  DOCS=$postgresql,$python,$postgresql,$python,$apache,$git,$reference
  QUESTIONS=eval/postgresql.jsonl,eval/python.jsonl,eval/hard/postgresql.jsonl,eval/hard/python.jsonl,eval/hard/apache.jsonl,eval/hard/git.jsonl,eval/hard/debian-reference.jsonl
  if [ -z "${MIN:-}" ]; then min_reader=0.8,0.7,0,0,0,0,0 min_oracle=0.9; fi
fi
questions=${QUESTIONS:-eval/postgresql.jsonl}
rounds=${ROUNDS:-reader oracle}
if [ -n "${LLM_PROVIDER:-}${LLM_BASE_URL:-}${LLM_API_KEY:-}" ]; then rounds=${ROUNDS:-model}; fi
name=eval root=$PWD work=$(mktemp -d) oracle=
. scripts/server.sh

stop_oracle() {
  if [ -n "$oracle" ]; then kill "$oracle" 2>/dev/null || true; wait "$oracle" 2>/dev/null || true; fi
  oracle=
}
finish() {
  status=$?
  stop_server
  stop_oracle
  if [ "$status" -gt 1 ]; then echo "eval: the end of the server's log:" >&2; tail -n 20 "$work/legwork.log" >&2 || true; fi
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

# start_oracle starts the scripted model and sets oracle_url to the address of its API.
start_oracle() {
  "$work/oracle" --questions "$questions" >"$work/oracle.url" &
  oracle=$!
  oracle_url=
  for _ in $(seq 100); do
    oracle_url=$(cat "$work/oracle.url")
    if [ -n "$oracle_url" ]; then return; fi
    kill -0 "$oracle" 2>/dev/null || { echo "eval: the scripted model ended" >&2; exit 2; }
    sleep 0.1
  done
  echo "eval: the scripted model did not start" >&2
  exit 2
}

# round starts a server, asks all questions, and audits. What the round must reach depends on who answers: the scripted model declines
# all that is to be declined, and cites repeated words at the right place; if it does not, legwork has lost something on the way.
round() {
  local who=$1 min=${MIN:-0} declined=0 placed=${MIN_PLACED:-0}
  rm -rf "$work/home" "$work/legwork.log"
  case $who in
    reader)
      min=${MIN:-${min_reader:-0.8}} declined=${MIN_DECLINED:-0}
      start_server SEARCH_ENGINES=library PAGE_TTL=0 LLM_PROVIDER=reader ;;
    oracle)
      min=${MIN:-${min_oracle:-0.9}} declined=${MIN_DECLINED:-0.95} placed=${MIN_PLACED:-1}
      start_oracle
      start_server SEARCH_ENGINES=library PAGE_TTL=0 VERIFY_SUPPORT="${VERIFY_SUPPORT:-on}" LLM_PROVIDER=openai LLM_BASE_URL="$oracle_url" LLM_MODEL=oracle LLM_API_KEY= ;;
    model)
      min=${MIN:-0} declined=${MIN_DECLINED:-0}
      start_server SEARCH_ENGINES=library PAGE_TTL=0 ;;
    *) echo "eval: ROUNDS has $who; it may have reader, oracle and model" >&2; exit 2 ;;
  esac
  # ARGS is unquoted, so that it is split into words.
  # shellcheck disable=SC2086
  "$work/run" --api "$api" --docs "$DOCS" --questions "$questions" --min "$min" --min-declined "$declined" --min-placed "$placed" \
    --json "eval/results/${RESULT:-latest}-$who.json" ${ARGS:-} || { [ $? = 1 ] || exit 2; failed=1; }
  stop_server
  stop_oracle
  echo
  (cd "$work" && LEGWORK_HOME="$work/home" "${LEGWORK:-$root/bin/legwork}" doctor 2>/dev/null) >"$work/doctor.txt" || true
  grep -E '^(ok|FAIL) +audit' "$work/doctor.txt" || { echo "eval: doctor did not audit:" >&2; cat "$work/doctor.txt" >&2; exit 2; }
  if grep -qE '^FAIL +audit' "$work/doctor.txt"; then failed=1; fi
}

mkdir -p eval/results
go build -o "$work/" ./eval/run ./eval/oracle # not go run, which has the status 1 for every failure
failed=0
for who in $rounds; do
  echo "== $who"
  round "$who"
done
exit "$failed"
