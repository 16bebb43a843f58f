/* Built twice, as libraries whose names are of one length, so that one comes to lie where the other
   was. */
#include <stdlib.h>

__attribute__((visibility("default"))) void* give(void) {
  void* volatile block = malloc(SIZE);
  return block;
}
