#!/bin/sh
# Records traces/cc1plus.trace: the C++ compiler proper of Debian's g++ 12 (the program that g++
# starts, not g++ itself) on a file that uses heavy headers of the standard library.
# usage: traces/recipes/cc1plus.sh [OUTPUT]
# needs: g++-12, and a built allocreplay (ALLOCREPLAY=path).
. "$(dirname "$0")/prepare.sh"
need g++-12

cp "$recipes/cc1plus_input.cc" input.cc
record -- "$(g++-12 -print-prog-name=cc1plus)" -quiet -imultiarch "$(g++-12 -print-multiarch)" \
  -D_GNU_SOURCE -std=c++20 -O2 input.cc -o input.s
