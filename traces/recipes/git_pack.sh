#!/bin/sh
# Records traces/git_pack.trace: git packing a repository that git_history.py makes, as `git gc`
# does, with two threads that look for deltas. What they make the main thread writes out and frees.
# usage: traces/recipes/git_pack.sh [OUTPUT]
# needs: git, python3, and a built allocreplay (ALLOCREPLAY=path).
. "$(dirname "$0")/prepare.sh"
need git

export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null
git init --quiet --bare shop.git
python3 "$recipes/git_history.py" 4500 250 | git -C shop.git fast-import --quiet --done
record -- git --git-dir=shop.git pack-objects --all --threads=2 --window=25 --no-reuse-delta \
  --quiet packed < /dev/null > names.txt
