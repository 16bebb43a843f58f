#!/bin/sh
# Records traces/git_log.trace: git showing a whole history as patches with renames found,
# on a repository that git_history.py makes.
# usage: traces/recipes/git_log.sh [OUTPUT]
# needs: git, python3, and a built allocreplay (ALLOCREPLAY=path).
. "$(dirname "$0")/prepare.sh"
need git

export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null
git init --quiet --bare shop.git
python3 "$recipes/git_history.py" 2500 200 | git -C shop.git fast-import --quiet --done
record -- git --git-dir=shop.git log --all --graph --patch --stat --find-renames > patches.txt
