#!/bin/sh
# Records traces/redis.trace: Debian's redis-server from start to exit, under a mixed load.
# usage: traces/recipes/redis.sh [OUTPUT]
# needs: redis-server and redis-tools (apt-get install redis-server redis-tools), and a built
#        allocreplay (ALLOCREPLAY=path, default build/release/bin/allocreplay).
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
output=${1:-$root/traces/redis.trace}
allocreplay=${ALLOCREPLAY:-$root/build/release/bin/allocreplay}
work=$(mktemp -d)
socket=$work/redis.sock
recorder=

cleanup() {
  if [ -n "$recorder" ]; then kill "$recorder" 2>/dev/null || true; wait "$recorder" || true; fi
  rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

for program in redis-server redis-benchmark redis-cli "$allocreplay"; do
  command -v "$program" > /dev/null || { echo "redis.sh: $program not found" >&2; exit 1; }
done

cli() { redis-cli -s "$socket" "$@" > /dev/null; }
# bench REQUESTS KEYS ARGS...: ten clients, eight requests in flight each.
bench() {
  requests=$1 keys=$2
  shift 2
  redis-benchmark -s "$socket" -q -c 10 -P 8 -n "$requests" -r "$keys" "$@" > /dev/null
}
wait_until() {
  tries=0
  until "$@" 2> /dev/null; do
    tries=$((tries + 1))
    [ "$tries" -lt 600 ] || { echo "redis.sh: gave up waiting for: $*" >&2; exit 1; }
    sleep 0.1
  done
}
nothing_to_expire() { redis-cli -s "$socket" info keyspace | grep -q '^db0:.*,expires=0,'; }
answers() { [ "$(redis-cli -s "$socket" ping)" = PONG ]; }

# Says which object malloc of redis-server is bound to, in a start that is not the one recorded.
LD_DEBUG=bindings "$allocreplay" record -q -o "$work/probe.trace" -- redis-server --version \
  > /dev/null 2> "$work/bindings"
if ! grep -q 'binding file redis-server .*liballocrecord.so .*symbol `malloc'"'" "$work/bindings"
then
  echo "redis.sh: malloc of redis-server is not bound to liballocrecord.so" >&2
  exit 1
fi

"$allocreplay" record -o "$output" -- \
  redis-server --port 0 --unixsocket "$socket" --dir "$work" --save '' --appendonly no \
  --daemonize no --loglevel warning --hz 50 --lazyfree-lazy-expire yes > "$work/redis.log" &
recorder=$!
wait_until answers

# 1. A data set of many shapes, small values first.
bench 20000 20000 -d 24 -t set
bench 8000 20000 -d 100 -t incr,sadd,hset,zadd
bench 8000 3000 -d 64 lpush list:__rand_int__ element:__rand_int__
bench 10000 4000 hset user:__rand_int__ name name:__rand_int__ mail mail:__rand_int__ seen 12345
bench 8000 5000 append log:__rand_int__ line:__rand_int__:of-the-log

# 2. Larger values over the same keys: what grew out of its size class leaves holes.
bench 12000 20000 -d 400 -t set
bench 8000 20000 -d 1500 -t set
bench 2000 20000 -d 9000 -t set
bench 1200 20000 -d 200 -t mset
bench 6000 20000 -t get

# 3. Sessions that expire, between data that stays.
bench 8000 20000 set session:__rand_int__ token:__rand_int__ px 400
bench 8000 20000 setex short:__rand_int__ 1 value:__rand_int__
bench 4000 3000 pexpire list:__rand_int__ 900
wait_until nothing_to_expire
bench 6000 8000 set page:__rand_int__ body:__rand_int__ ex 3600

# 4. Deletion, in the foreground and, of what is large, by the background thread; queues.
bench 8000 20000 del key:__rand_int__
bench 3000 4000 unlink user:__rand_int__
cli unlink myset myhash myzset
bench 6000 20000 -d 300 -t lpush,rpush,lpop,rpop
bench 1000 20000 -d 64 -t lrange_100

# 5. Churn in a keyspace that is as large as before, with other sizes.
bench 8000 20000 -d 2500 -t set
bench 8000 20000 -d 48 -t set
bench 5000 4000 hset user:__rand_int__ name other:__rand_int__ city city:__rand_int__
bench 4000 20000 getdel key:__rand_int__
bench 8000 20000 -d 1100 -t set

redis-cli -s "$socket" info memory | grep -E '^(used_memory|mem_allocator|mem_fragmentation_ratio):' >&2
redis-cli -s "$socket" info keyspace >&2
cli shutdown nosave || true
wait "$recorder"
recorder=
