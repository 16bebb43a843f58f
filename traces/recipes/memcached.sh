#!/bin/sh
# Records traces/memcached.trace: Debian's memcached, four worker threads, under clients that come
# and go over TLS. Its values lie in slabs of its own; what it asks of malloc are connections, their
# TLS state, buffers, and the pages of the slabs.
# usage: traces/recipes/memcached.sh [OUTPUT]
# needs: memcached, openssl, python3, port 31211, and a built allocreplay (ALLOCREPLAY=path).
. "$(dirname "$0")/prepare.sh"
need memcached
need openssl

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 \
  -subj /CN=localhost -keyout key.pem -out cert.pem 2> /dev/null
serve -- memcached -u "$(id -un)" -l 127.0.0.1 -p 31211 -U 0 -t 4 -m 48 -P memcached.pid \
  --enable-ssl -o ssl_chain_cert=cert.pem,ssl_key=key.pem
wait_until test -s memcached.pid
python3 "$recipes/memcached_client.py" 31211 cert.pem >&2
kill "$(cat memcached.pid)"
served
