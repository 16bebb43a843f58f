#!/bin/sh
# Records traces/small.trace: a few thousand calls of four threads, all five operations.
# usage: traces/recipes/small.sh [OUTPUT]
# needs: a C compiler, and a built allocreplay (ALLOCREPLAY=path, default
#        build/release/bin/allocreplay).
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
output=${1:-$root/traces/small.trace}
allocreplay=${ALLOCREPLAY:-$root/build/release/bin/allocreplay}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP

"${CC:-cc}" -std=gnu11 -O1 -fno-builtin -pthread -o "$work/small" "$root/traces/recipes/small.c"
# By a path of its own, so that the trace does not name a temporary folder.
output=$(cd "$(dirname "$output")" && pwd)/$(basename "$output")
cd "$work"
"$allocreplay" record -o "$output" -- ./small
