#!/bin/sh
# Records traces/nginx.trace: Debian's nginx, one process, under ab: pages filled in by server-side
# includes, folder listings, compressed text, and what it passes on to a second server of its own.
# Each request has a pool that goes back to malloc at its end.
# usage: traces/recipes/nginx.sh [OUTPUT]
# needs: nginx-light, apache2-utils, python3, port 31280, and a built allocreplay
#        (ALLOCREPLAY=path).
. "$(dirname "$0")/prepare.sh"
need /usr/sbin/nginx
need ab

python3 "$recipes/nginx_site.py" site
cp "$recipes/nginx.conf" nginx.conf
serve -- /usr/sbin/nginx -p . -c nginx.conf -e error.log
port=http://127.0.0.1:31280
wait_until ab -q -n 1 $port/text/1.txt
# load PATH CLIENTS REQUESTS ARGS...
load() {
  path=$1 clients=$2 requests=$3
  shift 3
  ab -q -c "$clients" -n "$requests" "$@" "$port$path" | grep -E '^(Failed|Non-2xx)' >&2 || true
}
load /page/1.html 4 3000
load /text/7.txt 8 3000 -k -H 'Accept-Encoding: gzip'
load /listing/ 4 400 -k
load /upstream/page/2.html 16 3000
load /text/3.txt 40 4000
load /page/4.html 24 3000 -k -H "Cookie: $(printf '%02000d' 7)"
load /missing 8 2000
load /upstream/text/5.txt 30 2500 -k -H 'Accept-Encoding: gzip'
kill "$(cat nginx.pid)"
served
