#!/usr/bin/env bash
# Fails if hand-written Go code is too long: a file with more than 400 lines (600 for tests), or a package with more than 2,500 lines
# without its tests. Split such files and packages by topic. Generated files do not count.
#
#   scripts/sizes.sh [FOLDER]
set -euo pipefail
cd "${1:-$(dirname "$0")/..}"
find . -name '*.go' -not -path './.*/*' -print0 | xargs -0 awk '
  FNR == 1 { files[++n] = FILENAME }
  { lines[FILENAME]++ }
  /^\/\/ Code generated .* DO NOT EDIT\.$/ { generated[FILENAME] = 1 }
  END {
    for (i = 1; i <= n; i++) {
      file = files[i]
      if (file in generated) continue
      test = file ~ /_test\.go$/
      most = test ? 600 : 400
      if (lines[file] > most) { printf "%s: %d lines, at most %d: split it\n", file, lines[file], most; bad = 1 }
      package = file; sub(/\/[^\/]*$/, "", package)
      if (!test) size[package] += lines[file]
    }
    for (package in size) if (size[package] > 2500) {
      printf "%s: %d lines outside tests, at most 2500: split the package\n", package, size[package]; bad = 1
    }
    exit bad
  }' >&2
