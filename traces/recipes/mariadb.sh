#!/bin/sh
# Records traces/mariadb.trace: Debian's mariadbd from start to exit, four clients at once on a small
# shop in InnoDB. Statements run in a pool of threads, so a connection's memory passes between them.
# usage: traces/recipes/mariadb.sh [OUTPUT]
# needs: mariadb-server-core, mariadb-client-core, python3, and a built allocreplay
#        (ALLOCREPLAY=path).
. "$(dirname "$0")/prepare.sh"
need /usr/sbin/mariadbd
need mariadb-install-db
need mariadb

# The server works in its data folder, which the socket's path is relative to.
mariadb-install-db --no-defaults --datadir="$work/data" --user="$(id -un)" --skip-test-db \
  --auth-root-authentication-method=normal > install.log 2>&1 || { cat install.log >&2; exit 1; }
sql() { mariadb --no-defaults --socket=data/sock --user=root "$@"; }
serve -- /usr/sbin/mariadbd --no-defaults --basedir=. --lc-messages-dir=/usr/share/mysql \
  --character-sets-dir=/usr/share/mysql/charsets --datadir=data --socket=sock \
  --pid-file=pid --user="$(id -un)" --skip-networking --skip-grant-tables \
  --thread-handling=pool-of-threads --thread-pool-size=3 --innodb-buffer-pool-size=8M \
  --innodb-log-file-size=8M --innodb-flush-log-at-trx-commit=0 2> server.log
wait_until sql --execute='SELECT 1'
python3 "$recipes/mariadb_statements.py" schema > schema.sql
sql < schema.sql
clients=
for number in 1 2 3 4; do
  python3 "$recipes/mariadb_statements.py" "$number" > "$number.sql"
  sql --force shop < "$number.sql" > "$number.out" 2> "$number.err" &
  clients="$clients $!"
done
for client in $clients; do wait "$client" || true; done  # deadlocks are part of the load
wc -l ./*.out >&2
sql --execute=SHUTDOWN
served
