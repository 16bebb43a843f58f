#include "core/allocators/bump_allocator.h"

#include "core/base/bits.h"
#include "core/os/linux_pages.h"

namespace mem {

void* BumpAllocator::allocate(std::size_t size, std::size_t align) noexcept {
  if (align < kDefaultAlign) align = kDefaultAlign;
  if (size == 0) size = 1;
  if (size > PTRDIFF_MAX) return nullptr;
  const LockGuard guard(mutex_);
  const std::uintptr_t start = align_up(next_, align);
  if (start >= next_ && start <= end_ && size <= end_ - start) {
    next_ = start + size;
    return reinterpret_cast<void*>(start);
  }
  const std::size_t wanted = size > kChunkBytes ? size : kChunkBytes;
  const std::size_t bytes = align_up(wanted, kPageBytes);
  void* chunk = LinuxPages{}.map(bytes, align, 0);
  if (chunk == nullptr) return nullptr;
  const auto base = reinterpret_cast<std::uintptr_t>(chunk);
  if (bytes - size > end_ - next_) {  // go on in the chunk with more room left
    next_ = base + size;
    end_ = base + bytes;
  }
  return chunk;
}

}  // namespace mem
