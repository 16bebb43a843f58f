// RLIMIT_AS for tests, in a process of their own.
#pragma once

#include <stdio.h>
#include <sys/resource.h>

#include <cstddef>

namespace support {

// Bytes of address space that this process has now; 0 = unknown.
inline std::size_t address_space_bytes() {
  unsigned long pages = 0;
  FILE* file = fopen("/proc/self/statm", "r");
  if (file == nullptr) return 0;
  if (fscanf(file, "%lu", &pages) != 1) pages = 0;
  fclose(file);
  return pages * 4096;
}

inline void limit_address_space(std::size_t bytes) {
  rlimit limit{};
  getrlimit(RLIMIT_AS, &limit);
  limit.rlim_cur = bytes;
  setrlimit(RLIMIT_AS, &limit);
}

}  // namespace support
