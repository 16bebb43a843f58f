#!/bin/sh
# Records traces/lua.trace: Debian's lua5.4 running lua_program.lua: words in a trie, a calendar of
# events in a heap, closures, string building. Lua's collector frees, in steps, what it finds dead.
# usage: traces/recipes/lua.sh [OUTPUT]
# needs: lua5.4, and a built allocreplay (ALLOCREPLAY=path).
. "$(dirname "$0")/prepare.sh"
need lua5.4

cp "$recipes/lua_program.lua" program.lua
record -- lua5.4 program.lua
