// Pages of the kernel: mmap, munmap, madvise, mremap, mprotect. Stateless, safe from
// any thread. A call costs a system call; an aligned map costs up to three; now_ms costs none.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/os/page_source.h"

namespace mem {

class LinuxPages {
 public:
  void* map(std::size_t bytes, std::size_t align, std::size_t offset) noexcept;
  bool unmap(void* p, std::size_t bytes) noexcept;
  bool discard(void* p, std::size_t bytes) noexcept;
  void* remap(void* p, std::size_t old_bytes, std::size_t new_bytes) noexcept;

  void* reserve(void* hint, std::size_t bytes, Access access) noexcept;
  bool commit(void* p, std::size_t bytes) noexcept;
  bool move_pages(void* from, void* to, std::size_t bytes) noexcept;
  void prefer_huge(void* p, std::size_t bytes, bool huge) noexcept;
  std::size_t address_limit() noexcept;
  void populate(void* p, std::size_t bytes) noexcept;
  std::uint64_t first_touch_us(void* p) noexcept;
  std::uint64_t now_ms() noexcept;
};

}  // namespace mem
