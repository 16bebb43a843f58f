#!/bin/sh
# Records traces/redis_threads.trace: Debian's redis-server with four threads for input and output
# that read and parse what forty clients send; the main thread carries it out and frees it. Hashes,
# sorted sets and sets that outgrow their compact forms, and are deleted in the background.
# usage: traces/recipes/redis_threads.sh [OUTPUT]
# needs: redis-server and redis-tools, and a built allocreplay (ALLOCREPLAY=path).
. "$(dirname "$0")/prepare.sh"
need redis-server
need redis-benchmark

serve -- redis-server --port 0 --unixsocket redis.sock --dir . --save '' --appendonly no \
  --daemonize no --loglevel warning --io-threads 4 --io-threads-do-reads yes \
  --lazyfree-lazy-user-del yes > redis.log
wait_until redis-cli -s redis.sock ping
# bench REQUESTS KEYS ARGS...: forty clients, eight requests in flight each.
bench() {
  requests=$1 keys=$2
  shift 2
  redis-benchmark -s redis.sock -q -c 40 -P 8 -n "$requests" -r "$keys" "$@" > /dev/null
}
value() { printf "%0$1d" 7; }
for round in 1 2; do
  bench 15000 300 hset hash:__rand_int__ field:__rand_int__ "$(value 20)" other:__rand_int__ x
  bench 9500 100 hset tall:__rand_int__ field:__rand_int__ "$(value 90)"
  bench 9500 200 zadd board:__rand_int__ "$round" member:__rand_int__
  bench 9500 200 sadd tags:__rand_int__ __rand_int__ tag:__rand_int__
  bench 6000 300 hgetall hash:__rand_int__
  bench 6000 200 zrange board:__rand_int__ 0 20 withscores
  bench 6000 5000 set note:__rand_int__ "$(value 700)"
  bench 3000 5000 getrange note:__rand_int__ 0 300
  bench 600 200 zunionstore sum:__rand_int__ 2 board:__rand_int__ board:__rand_int__
  bench 600 300 del hash:__rand_int__ sum:__rand_int__ tags:__rand_int__ tall:__rand_int__
done
redis-cli -s redis.sock info keyspace >&2
redis-cli -s redis.sock shutdown nosave > /dev/null || true
served
