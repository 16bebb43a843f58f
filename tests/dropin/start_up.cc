// Prints how many KiB are resident in a program that has done next to nothing.
#include "tests/dropin/program.h"

int main() {
  free(dropin::opaque(malloc(100)));
  dprintf(STDOUT_FILENO, "%zu\n", dropin::resident_bytes() / dropin::kKiB);
  return 0;
}
