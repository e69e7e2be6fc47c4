#!/bin/sh
# The test command: see tools/test.ts. Works on a fresh clone.
set -e
root=$(dirname "$(dirname "$(readlink -f "$0")")")
. "$root/tools/env.sh"
cd "$root"
exec "$node" tools/test.ts "$@"
