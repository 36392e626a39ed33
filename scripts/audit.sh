#!/usr/bin/env bash
# Checks the license of every Go module in the binary, and looks for known vulnerabilities in the code that it calls.
#
#   scripts/audit.sh
set -euo pipefail
cd "$(dirname "$0")/.."

# A module has a license if its LICENSE file contains phrases that occur only in this license.
license() {
  local file
  for file in "$1"/{LICENSE,LICENCE,COPYING,UNLICENSE}*; do
    [ -f "$file" ] || continue
    local text
    text=$(tr -s '[:space:]' ' ' <"$file")
    case $text in
    *"Apache License"*"Version 2.0"*) echo Apache-2.0 ;;
    *"Mozilla Public License"*"2.0"*) echo MPL-2.0 ;;
    *"Permission is hereby granted, free of charge"*) echo MIT ;;
    *"Redistribution and use in source and binary forms"*) echo BSD ;;
    *"Permission to use, copy, modify, and/or distribute this software"* | *"Permission to use, copy, modify, and distribute this software"*) echo ISC ;;
    *"released into the public domain"*) echo Unlicense ;;
    *) continue ;;
    esac
    return
  done
  echo unknown
}

bad=0 modules=0
while read -r module dir; do
  modules=$((modules + 1))
  found=$(license "$dir")
  if [ "$found" = unknown ]; then
    echo "audit: $module has no license that may be used (Apache-2.0, BSD, ISC, MIT, MPL-2.0, Unlicense); read $dir, and replace the module or extend scripts/audit.sh" >&2
    bad=1
  fi
done < <(go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Dir}}{{end}}{{end}}' ./cmd/legwork | sort -u)
[ "$modules" -ge 20 ] || { echo "audit: only $modules modules were found" >&2; exit 1; }
[ $bad = 0 ] && echo "audit: the licenses of $modules modules may be used"

out=$(mktemp); trap 'rm -f "$out"' EXIT
status=0
go tool -modfile=tools/go.mod govulncheck ./... >"$out" 2>&1 || status=$?
case $status in
0) echo "audit: no known vulnerability is called" ;;
3) cat "$out" >&2; echo "audit: update the modules that are named above" >&2; bad=1 ;;
*)
  if grep -qiE 'fetching vulnerabilities|no such host|connection refused|i/o timeout|proxyconnect|network is unreachable|TLS handshake|403 Forbidden' "$out"; then
    echo "audit: SKIPPED the search for vulnerabilities, because the database of vulnerabilities cannot be reached; GOVULNDB names another one"
  else
    cat "$out" >&2; bad=1
  fi ;;
esac
exit $bad
