#!/usr/bin/env bash
# Starts a legwork server and checks the cases of page reading in the folder CASES (with serve.py and check.py there):
# first without a browser, and then, if Chromium is installed, the cases that need a browser. The exit status is 0 if
# all cases pass.
#
#   make cases                        # CASES=../shared/cases
#   make cases ARGS='07 15-pdf'       # only cases whose names begin so
set -euo pipefail
cd "$(dirname "$0")/.."
cases=${CASES:-../shared/cases} name=cases work=$(mktemp -d) site=
[ -e "$cases/check.py" ] || { echo "cases: there is no $cases/check.py; set CASES" >&2; exit 2; }
command -v python3 >/dev/null || { echo "cases: Python is missing: apt-get install --no-install-recommends python3" >&2; exit 2; }
. scripts/server.sh

finish() {
  status=$?
  stop_server
  if [ -n "$site" ]; then kill "$site" 2>/dev/null || true; wait "$site" 2>/dev/null || true; fi
  if [ "$status" -gt 1 ]; then echo "cases: the end of the server's log:" >&2; tail -n 20 "$work/legwork.log" >&2 || true; fi
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
python3 "$cases/serve.py" "$port" >"$work/site.log" 2>&1 </dev/null &
site=$!
for _ in $(seq 100); do
  if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then break; fi
  kill -0 "$site" 2>/dev/null || { echo "cases: serve.py ended:" >&2; cat "$work/site.log" >&2; exit 2; }
  sleep 0.1
done

failed=0
for browser in off auto; do
  more=()
  if [ "$browser" = auto ]; then
    more=(--browser)
    [ -x /usr/lib/chromium/chromium-headless-shell ] || command -v chromium >/dev/null || { echo "no Chromium: the cases that need one are left out"; break; }
  fi
  start_server LLM_PROVIDER=reader BROWSER="$browser"
  # ARGS is unquoted, so that it is split into words.
  # shellcheck disable=SC2086
  python3 "$cases/check.py" --api "$api" --site "http://127.0.0.1:$port" --legwork "$PWD/bin/legwork" "${more[@]}" ${ARGS:-} || failed=1
  stop_server
done
exit "$failed"
