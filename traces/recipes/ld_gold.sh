#!/bin/sh
# Records traces/ld_gold.trace: the linker gold (Debian's binutils), with four threads, linking a
# static program that takes in all of libstdc++ and what that needs of libc; unused sections are
# removed, equal ones folded, a map is written.
# usage: traces/recipes/ld_gold.sh [OUTPUT]
# needs: binutils, g++-12, and a built allocreplay (ALLOCREPLAY=path).
. "$(dirname "$0")/prepare.sh"
need ld.gold
need g++-12

cat > program.cc <<'END'
#include <iostream>
#include <map>
#include <string>
int main() {
  std::map<std::string, int> count;
  for (std::string word; std::cin >> word;) ++count[word];
  for (const auto& [word, n] : count) std::cout << word << ' ' << n << '\n';
}
END
g++-12 -std=c++20 -g -c program.cc
# Copied, so that the trace's command names no path of the machine.
for file in crt1.o crti.o crtbeginT.o crtend.o crtn.o libstdc++.a libm-2.36.a libmvec.a libc.a \
  libgcc.a libgcc_eh.a
do
  cp "$(g++-12 -print-file-name=$file)" .
done
record -- ld.gold --threads --thread-count 4 -static --gc-sections --icf=all --build-id=sha1 \
  -Map=program.map -o program \
  crt1.o crti.o crtbeginT.o program.o --whole-archive libstdc++.a --no-whole-archive \
  --start-group libm-2.36.a libmvec.a libc.a libgcc.a libgcc_eh.a --end-group crtend.o crtn.o
