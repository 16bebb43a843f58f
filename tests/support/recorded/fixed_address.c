/* Not made for any address: its table of symbols holds the functions that it takes the address of.
 */
#include <stdlib.h>

int main(void) {
  void* (*volatile give)(size_t) = malloc;
  void (*volatile take)(void*) = free;
  take(give(701));
  return 0;
}
