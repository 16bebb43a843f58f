#include "core/os/linux_pages.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

#include "core/base/bits.h"
#include "core/os/report.h"

namespace mem {

static_assert(AddressSpace<LinuxPages>);

namespace {

std::byte* map_anywhere(std::size_t bytes) noexcept {
  void* p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return p == MAP_FAILED ? nullptr : static_cast<std::byte*>(p);
}

// After a refused move. Before Linux 6.17 the kernel unmaps `to` and then sees that `from` is of
// several mappings, which it does not move; later it moves one after the other, and may run out of
// memory between them.
void restore(void* from, void* to, std::size_t bytes) noexcept {
  unsigned char is_resident = 1;
  if (errno == ENOMEM) mincore(from, kPageBytes, &is_resident);
  constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
  if ((is_resident & 1) == 0 ||
      mmap(to, bytes, PROT_READ | PROT_WRITE, kFlags, -1, 0) == MAP_FAILED) {
    report_move_failed(from);
  }
}

std::uint64_t thread_cpu_ns() noexcept {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1000000000 +
         static_cast<std::uint64_t>(now.tv_nsec);
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

// What is only reserved counts against no memory limit: it is not writable. Without MAP_NORESERVE,
// so that what is committed of it does, and the kernel can refuse it (overcommit_memory in
// proc(5)).
void* LinuxPages::reserve(void* hint, std::size_t bytes, Access access) noexcept {
  const int saved_errno = errno;
  void* p = mmap(hint, bytes, access == Access::kRead ? PROT_READ : PROT_NONE,
                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  errno = saved_errno;
  return p == MAP_FAILED ? nullptr : p;
}

bool LinuxPages::commit(void* p, std::size_t bytes) noexcept {
  const int saved_errno = errno;
  const bool done = mprotect(p, bytes, PROT_READ | PROT_WRITE) == 0;
  errno = saved_errno;
  return done;
}

// MREMAP_DONTUNMAP (Linux 5.7) keeps the place that was left, so that it needs no mapping again.
bool LinuxPages::move_pages(void* from, void* to, std::size_t bytes) noexcept {
  const int saved_errno = errno;
  const int flags = MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP;
  // Resident, if only as a page of zeros, so that restore() can tell whether it has moved.
  static_cast<void>(*static_cast<volatile std::byte*>(from));
  const bool done = mremap(from, bytes, bytes, flags, to) == to;
  if (!done && errno != EINVAL) restore(from, to, bytes);  // an older kernel has done nothing
  errno = saved_errno;
  return done;
}

// Where the system gives huge pages to nobody this changes nothing.
void LinuxPages::prefer_huge(void* p, std::size_t bytes, bool huge) noexcept {
  const int saved_errno = errno;
  madvise(p, bytes, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
  errno = saved_errno;
}

// Linux 5.14; an older kernel refuses, and each page comes when it is touched.
void LinuxPages::populate(void* p, std::size_t bytes) noexcept {
  const int saved_errno = errno;
  madvise(p, bytes, MADV_POPULATE_WRITE);
  errno = saved_errno;
}

std::uint64_t LinuxPages::first_touch_us(void* p) noexcept {
  const std::uint64_t before = thread_cpu_ns();
  *static_cast<volatile char*>(p) = 0;
  return (thread_cpu_ns() - before) / 1000;
}

std::size_t LinuxPages::address_limit() noexcept {
  const int saved_errno = errno;
  rlimit limit{};
  const bool known = getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
  errno = saved_errno;
  return known ? limit.rlim_cur : SIZE_MAX;
}

std::uint64_t LinuxPages::now_ms() noexcept {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1000 +
         static_cast<std::uint64_t>(now.tv_nsec) / 1000000;
}

}  // namespace mem
