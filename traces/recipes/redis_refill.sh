#!/bin/sh
# Records traces/redis_refill.trace: Debian's redis-server that is filled with small values, loses
# nine in ten of them by key, and is filled again with larger ones, twice. What stays lies scattered
# over the memory of what went.
# usage: traces/recipes/redis_refill.sh [OUTPUT]
# needs: redis-server and redis-tools, python3, and a built allocreplay (ALLOCREPLAY=path).
. "$(dirname "$0")/prepare.sh"
need redis-server
need redis-cli

serve -- redis-server --port 0 --unixsocket redis.sock --dir . --save '' --appendonly no \
  --daemonize no --loglevel warning > redis.log
wait_until redis-cli -s redis.sock ping

python3 "$recipes/redis_refill_commands.py" > commands.txt
redis-cli -s redis.sock --pipe < commands.txt >&2
redis-cli -s redis.sock info keyspace >&2
redis-cli -s redis.sock shutdown nosave > /dev/null || true
served
