# Sourced by the recipes. It leaves them in an empty folder that vanishes at the end, with a fixed
# environment, and gives them:
#   $root          the project        $recipes    this folder         $work   the empty folder
#   $output        the trace to write: the first argument, else traces/NAME.trace of NAME.sh
#   need PROGRAM   ends the recipe if PROGRAM is missing
#   record ...     allocreplay record -o $output ..., and the program must exit with code 0
#   serve ...      the same in the background, for a server; a recipe that ends early ends it too and
#                  leaves no trace
#   served         waits until that server has ended and its trace is whole
#   wait_until ... runs a command ten times a second until it succeeds; a minute at most
# Inputs and outputs are named relative to $work, so that a trace holds no path of the machine.
set -eu

name=$(basename "$0" .sh)
recipes=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$recipes/../.." && pwd)
output=${1:-$root/traces/$name.trace}
output=$(cd "$(dirname "$output")" && pwd)/$(basename "$output")
allocreplay=$(realpath "${ALLOCREPLAY:-$root/build/release/bin/allocreplay}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP

need() {
  command -v "$1" > /dev/null || { echo "$name.sh: $1 not found" >&2; exit 1; }
}
record() {
  "$allocreplay" record -o "$output" "$@"
  expect_success
}
expect_success() {
  # The recorder keeps the trace of a program that failed; here it would be of no use.
  "$allocreplay" inspect "$output" | tr -d ' \n' | grep -q '"ended":{"kind":"exited","code":0}' ||
    { echo "$name.sh: the program failed" >&2; rm -f "$output"; exit 1; }
}
serve() {
  "$allocreplay" record -o "$output" "$@" &
  recorder=$!
  trap 'kill "$recorder" 2> /dev/null || true; wait "$recorder" || true
        rm -rf "$work"; rm -f "$output"' EXIT
}
served() {
  wait "$recorder"
  trap 'rm -rf "$work"' EXIT
  expect_success
}
wait_until() {
  tries=0
  until "$@" > /dev/null 2>&1; do
    tries=$((tries + 1))
    [ "$tries" -lt 600 ] || { echo "$name.sh: gave up waiting for: $*" >&2; exit 1; }
    sleep 0.1
  done
}

need "$allocreplay"
cd "$work"
export HOME=. LC_ALL=C.UTF-8 TZ=UTC
