#!/bin/sh
# Records traces/fdfind.trace: Debian's fd (written in Rust; its allocator is the C library's) over
# a tree of 60,000 files. Four threads walk the folders and send what matches to another one.
# usage: traces/recipes/fdfind.sh [OUTPUT]
# needs: fd-find, python3, and a built allocreplay (ALLOCREPLAY=path).
. "$(dirname "$0")/prepare.sh"
need fdfind

python3 "$recipes/fdfind_tree.py" tree
record -- fdfind --threads 4 --color always --extension txt . tree > found.txt
wc -l found.txt >&2
