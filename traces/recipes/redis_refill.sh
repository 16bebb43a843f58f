#!/bin/sh
# Records traces/redis_refill.trace: Debian's redis-server that is filled with small values, loses
# nine in ten of them by key, and is filled again with larger ones, twice. What stays lies scattered
# over the memory of what went.
# usage: traces/recipes/redis_refill.sh [OUTPUT]
# needs: redis-server and redis-tools, python3, and a built allocreplay (ALLOCREPLAY=path).
. "$(dirname "$0")/prepare.sh"
need redis-server
need redis-cli

record -- redis-server --port 0 --unixsocket redis.sock --dir . --save '' --appendonly no \
  --daemonize no --loglevel warning > redis.log &
recorder=$!
trap 'kill "$recorder" 2> /dev/null; wait "$recorder"; rm -rf "$work"' EXIT
tries=0
until [ "$(redis-cli -s redis.sock ping 2> /dev/null)" = PONG ]; do
  tries=$((tries + 1))
  [ "$tries" -lt 600 ] || { echo "redis_refill.sh: redis-server does not answer" >&2; exit 1; }
  sleep 0.1
done

python3 "$recipes/redis_refill_commands.py" | redis-cli -s redis.sock --pipe >&2
redis-cli -s redis.sock info keyspace >&2
redis-cli -s redis.sock shutdown nosave > /dev/null || true
wait "$recorder"
trap 'rm -rf "$work"' EXIT
