// Prints how many KiB are resident in a program that has done next to nothing, and how many of them
// are its own.
#include "tests/dropin/program.h"

int main() {
  free(malloc(100));
  dprintf(STDOUT_FILENO, "%zu %zu\n", dropin::number_in("/proc/self/smaps_rollup", "\nRss:"),
          dropin::number_in("/proc/self/smaps_rollup", "\nAnonymous:"));
  return 0;
}
