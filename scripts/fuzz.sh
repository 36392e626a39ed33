#!/bin/bash
# Runs each fuzz target of the module for FUZZTIME (default 1m). It finds the targets in the source files, so new
# targets need not be listed here. PKG limits the packages by a path prefix: PKG=internal/page. Inputs that reach new code are kept
# in Go's cache, $(go env GOCACHE)/fuzz, and the next run begins with them. An input that fails is written to testdata/fuzz beside the
# test: commit it with the fix, and every test run tries it.
set -euo pipefail
cd "$(dirname "$0")/.."
failed=0 out=$(mktemp)
trap 'rm -f "$out"' EXIT
while IFS=: read -r file line; do
	name=$(sed -E 's/^func (Fuzz[A-Za-z0-9_]*).*/\1/' <<<"$line")
	echo "== ./$(dirname "$file") $name"
	${GO:-go} test -tags failpoints -run '^$' -fuzz "^$name\$" -fuzztime "${FUZZTIME:-1m}" "./$(dirname "$file")" 2>&1 | tee "$out" && continue
	# Go reports some runs as failed when the time ends during an input (golang.org/issue/75804).
	if grep -q 'context deadline exceeded' "$out" && ! grep -qE 'Failing input written|panic|fatal' "$out"; then
		echo "the time ended during an input; no input failed"
		continue
	fi
	failed=1
	echo "FAILED: $name in $file"
done < <(grep -rE --include='*_test.go' '^func Fuzz' "${PKG:-.}" | sed 's#^\./##' | sort)
exit $failed
