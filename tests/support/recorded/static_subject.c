/* Linked statically: nothing can be preloaded into it. */
#include <stdlib.h>

int main(void) {
  free(malloc(1));
  return 0;
}
