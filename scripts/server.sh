# Functions for scripts that need their own legwork server: with new data, a free port, no .env file, and no pauses
# between requests to sites on this machine. The caller sets name (used in messages) and work (a folder).
# shellcheck shell=bash disable=SC2154

pid=

# start_server starts bin/legwork. Its arguments have the form VARIABLE=VALUE and are added to the environment. It
# sets api to the server's address.
start_server() {
  local program=${LEGWORK:-$PWD/bin/legwork} # LEGWORK names another version
  [ -x "$program" ] || { echo "$name: $program is missing; run make build" >&2; exit 2; }
  # With port 0 the system chooses a free port, and the log shows which.
  (cd "$work" && exec env API_HOST=127.0.0.1 API_PORT=0 AUTH_MODE=off LEGWORK_HOME="$work/home" LOG_FORMAT=text LOG_TARGET=console LOG_LEVEL=info \
    FETCH_ALLOW_NETS=127.0.0.0/8 REQUEST_DELAY_MIN=0 REQUEST_DELAY_MAX=0 RATE_LIMIT_REQUESTS=100000 "$@" \
    "$program" serve) >"$work/legwork.log" 2>&1 </dev/null &
  pid=$!
  api=
  for _ in $(seq 600); do # a minute: the first start may have to download PostgreSQL
    api=$(sed -n 's/.*msg="the API listens" url=\(http[^ ]*\).*/\1/p' "$work/legwork.log" | head -n 1)
    if [ -n "$api" ]; then break; fi
    kill -0 "$pid" 2>/dev/null || { echo "$name: the server ended:" >&2; cat "$work/legwork.log" >&2; exit 2; }
    sleep 0.1
  done
  [ -n "$api" ] || { echo "$name: the server did not come up within a minute" >&2; exit 2; }
}

stop_server() {
  if [ -n "$pid" ]; then kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; fi
  pid=
}
