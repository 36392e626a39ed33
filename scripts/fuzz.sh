#!/usr/bin/env bash
# Runs every fuzz target for TIME (10s), one after the other, in the packages that match PKG. Ends at the first that fails; Go
# keeps the input under testdata/fuzz, where it is a test from then on.
set -euo pipefail
cd "$(dirname "$0")/.."
log=$(mktemp); trap 'rm -f "$log"' EXIT
time=${TIME:-10s}
for dir in $(go list -tags failpoints -f '{{.Dir}}' "${PKG:-./...}"); do
  for target in $(grep -hoE '^func Fuzz[A-Za-z0-9_]*' "$dir"/*_test.go 2>/dev/null | cut -d' ' -f2 | sort -u); do
    echo "$target in ${dir#"$PWD"/}"
    go test -tags failpoints -run '^$' -fuzz "^$target\$" -fuzztime "$time" "$dir" >"$log" 2>&1 || { cat "$log"; exit 1; }
    tail -n 1 "$log"
  done
done
