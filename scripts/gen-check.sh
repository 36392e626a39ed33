#!/usr/bin/env bash
# Generates the code again and fails if it differs from the files in the tree, committed or not. The new code stays in the tree.
set -euo pipefail
cd "$(dirname "$0")/.."
before=$(mktemp -d); trap 'rm -rf "$before"' EXIT
cp -R db api "$before"
make --no-print-directory gen
for dir in db api; do
  if ! diff -ru "$before/$dir" "$dir"; then
    echo "gen-check: $dir/ was not what its sources give; it has been regenerated, commit it" >&2
    exit 1
  fi
done
echo "gen-check: db/ and api/ are what their sources give"
