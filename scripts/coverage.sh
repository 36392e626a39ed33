#!/usr/bin/env bash
# Prints the test coverage of hand-written Go code, per package and in total, and fails if the total is below a bound.
#
#   scripts/coverage.sh coverage.out 85
#
# The profile comes from -coverpkg=./..., so it has each block once for each test binary. A block is covered if any
# test binary has executed it. Generated code (db, api/*.gen.go) and packages for tests (dbtest, testsite) are left
# out.
set -euo pipefail
profile=${1:?usage: coverage.sh PROFILE PERCENT} bound=${2:?usage: coverage.sh PROFILE PERCENT}
awk -v bound="$bound" '
  FNR == 1 && /^mode:/ { next }
  $1 ~ /^legwork\/db\/|\.gen\.go:|^legwork\/internal\/(dbtest|testsite)\// { next }
  {
    if (!($1 in size)) { size[$1] = $2; order[++n] = $1 }
    if ($3 > 0) hit[$1] = 1
  }
  END {
    if (n == 0) { print "coverage: the profile is empty"; exit 1 }
    for (i = 1; i <= n; i++) {
      block = order[i]; pkg = block; sub(/\/[^\/]*$/, "", pkg)
      if (!(pkg in all)) { all[pkg] = 0; pkgs[++m] = pkg }
      all[pkg] += size[block]; total += size[block]
      if (block in hit) { got[pkg] += size[block]; reached += size[block] }
    }
    for (i = 1; i <= m; i++) if (all[pkgs[i]] > 0) printf "%6.1f %%  %s\n", 100 * got[pkgs[i]] / all[pkgs[i]], pkgs[i]
    percent = 100 * reached / total
    printf "coverage of hand-written Go: %.1f %% of %d statements (at least %s %% wanted)\n", percent, total, bound
    exit percent < bound
  }' "$profile"
