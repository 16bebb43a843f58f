#!/bin/sh
# Records traces/python.trace: Debian's python3 running python_program.py with PYTHONMALLOC=malloc,
# that is, with each object asked of malloc instead of from Python's own pools.
# usage: traces/recipes/python.sh [OUTPUT]
# needs: Debian's /usr/bin/python3, and a built allocreplay (ALLOCREPLAY=path).
. "$(dirname "$0")/prepare.sh"
need /usr/bin/python3

cp "$recipes/python_program.py" program.py
export PYTHONMALLOC=malloc PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1
record -- /usr/bin/python3 program.py
