/* Preloaded behind the recorder: madvise as it was before Linux 5.14. */
#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

int madvise(void* address, size_t length, int advice) {
  if (advice != MADV_POPULATE_WRITE) return (int)syscall(SYS_madvise, address, length, advice);
  errno = EINVAL;
  return -1;
}
