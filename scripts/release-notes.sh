#!/usr/bin/env bash
# Prints the part of CHANGELOG.md about one version, and fails if there is none: a release without notes, or with those of "Unreleased",
# is a mistake.
#
#   scripts/release-notes.sh v1.2.0
set -euo pipefail
version=${1:?usage: release-notes.sh VERSION}
notes=$(awk -v want="${version#v}" '
  /^## / { on = ($2 == want || $2 == "[" want "]"); next }
  on' "${CHANGELOG:-$(dirname "$0")/../CHANGELOG.md}")
[ -n "${notes//[[:space:]]/}" ] || { echo "release-notes: CHANGELOG.md has no part about ${version#v}; rename \"Unreleased\" to it" >&2; exit 1; }
printf '%s\n' "$notes"
