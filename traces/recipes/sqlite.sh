#!/bin/sh
# Records traces/sqlite.trace: Debian's sqlite3 shell on a database in memory, run from a script of
# statements that sqlite_script.py writes: schema, inserts, indexes, queries, updates, deletes.
# usage: traces/recipes/sqlite.sh [OUTPUT]
# needs: sqlite3, python3, and a built allocreplay (ALLOCREPLAY=path).
. "$(dirname "$0")/prepare.sh"
need sqlite3

python3 "$recipes/sqlite_script.py" > script.sql
record -- sqlite3 -batch :memory: '.read script.sql' > answers.txt
[ "$(tail -n 1 answers.txt)" = done ] ||
  { echo "sqlite.sh: the script stopped early" >&2; rm -f "$output"; exit 1; }
