#!/bin/sh
# Records traces/redis_streams.trace: Debian's redis-server as a message broker: streams that
# consumer groups read, acknowledge and trim, publish and subscribe, lists as queues.
# usage: traces/recipes/redis_streams.sh [OUTPUT]
# needs: redis-server and redis-tools, python3, and a built allocreplay (ALLOCREPLAY=path).
. "$(dirname "$0")/prepare.sh"
need redis-server
need redis-cli

serve -- redis-server --port 0 --unixsocket redis.sock --dir . --save '' --appendonly no \
  --daemonize no --loglevel warning > redis.log
wait_until redis-cli -s redis.sock ping
for channel in news trades; do
  redis-cli -s redis.sock subscribe "$channel" > "$channel.txt" 2>&1 &
done
redis-cli -s redis.sock psubscribe 'n*' > pattern.txt 2>&1 &
python3 "$recipes/redis_streams_commands.py" > commands.txt
redis-cli -s redis.sock --pipe < commands.txt >&2
redis-cli -s redis.sock info keyspace >&2
redis-cli -s redis.sock shutdown nosave > /dev/null || true
served
wait
