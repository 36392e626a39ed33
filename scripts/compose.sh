#!/usr/bin/env bash
# Runs docker-compose.yml for real: builds the images, starts everything, asks a question whose page needs scripts and gets its picture,
# kills a worker in the middle of a task, and stops and starts everything with its data. Prints what it took. It needs root, or the right
# to use Docker, and two to four minutes.
#
#   scripts/compose.sh                 the images get bin/legwork, the program that `make build` has compiled
#   BINARY=compiled scripts/compose.sh the program is compiled inside the image, as docker compose does by default
#
# On a machine that reaches no container registry, ../shared/testbed/docker-images.sh makes stand-ins for the base images. Without it
# and without an engine this is skipped, with status 0.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ -e ../shared/testbed/docker-images.sh ]; then
  exports=$(../shared/testbed/docker-images.sh)
  eval "$exports"
elif ! docker info >/dev/null 2>&1 || ! docker compose version >/dev/null 2>&1; then
  echo "compose: SKIPPED, because no Docker engine with the compose plugin answers, and there is no ../shared/testbed to start one"
  exit 0
fi
export BINARY=${BINARY:-prebuilt}
if [ "$BINARY" = prebuilt ]; then
  # The image has no libc, so a program that is linked with one would not start.
  ${MAKE:-make} build
  if grep -q 'ld-linux' bin/legwork; then echo "compose: bin/legwork is not static; run make build again" >&2; exit 1; fi
fi
echo "compose: the program in the images is $BINARY"
LEGWORK_TEST_COMPOSE=1 exec "${GO:-go}" test -tags failpoints -count=1 -timeout 30m -v -run '^TestCompose$' "$@" ./deploy
