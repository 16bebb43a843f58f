#include "core/os/linux_pages.h"

#include <errno.h>
#include <sys/mman.h>

#include "core/base/bits.h"
#include "core/os/page_source.h"

namespace mem {

static_assert(PageSource<LinuxPages>);

namespace {

std::byte* map_anywhere(std::size_t bytes) noexcept {
  void* p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return p == MAP_FAILED ? nullptr : static_cast<std::byte*>(p);
}

}  // namespace

void* LinuxPages::map(std::size_t bytes, std::size_t align, std::size_t offset) noexcept {
  if (align <= kPageBytes) return map_anywhere(bytes);
  std::size_t padded = 0;
  if (!checked_add(bytes, align, &padded)) return nullptr;
  std::byte* start = map_anywhere(padded);
  if (start == nullptr) return nullptr;
  const auto address = reinterpret_cast<std::uintptr_t>(start);
  const std::size_t head = align_up(address + offset, align) - offset - address;
  const std::size_t tail = padded - head - bytes;
  if ((head != 0 && !unmap(start, head)) || (tail != 0 && !unmap(start + head + bytes, tail))) {
    unmap(start, padded);
    return nullptr;
  }
  return start + head;
}

bool LinuxPages::unmap(void* p, std::size_t bytes) noexcept {
  const int saved_errno = errno;
  const bool done = munmap(p, bytes) == 0;
  errno = saved_errno;
  return done;
}

bool LinuxPages::discard(void* p, std::size_t bytes) noexcept {
  const int saved_errno = errno;
  const bool done = madvise(p, bytes, MADV_DONTNEED) == 0;
  errno = saved_errno;
  return done;
}

void* LinuxPages::remap(void* p, std::size_t old_bytes, std::size_t new_bytes) noexcept {
  const int saved_errno = errno;
  void* moved = mremap(p, old_bytes, new_bytes, MREMAP_MAYMOVE);
  errno = saved_errno;
  return moved == MAP_FAILED ? nullptr : moved;
}

}  // namespace mem
