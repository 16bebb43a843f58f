// Pages of the kernel: mmap, munmap, madvise(MADV_DONTNEED), mremap. Stateless, safe from any
// thread. A call costs a system call; an aligned map costs up to three.
#pragma once

#include <cstddef>

namespace mem {

class LinuxPages {
 public:
  void* map(std::size_t bytes, std::size_t align, std::size_t offset) noexcept;
  bool unmap(void* p, std::size_t bytes) noexcept;
  bool discard(void* p, std::size_t bytes) noexcept;
  void* remap(void* p, std::size_t old_bytes, std::size_t new_bytes) noexcept;
};

}  // namespace mem
