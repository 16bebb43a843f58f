#include "core/os/simulated_pages.h"

#include <string.h>
#include <sys/mman.h>

#include "core/base/bits.h"

namespace mem {

static_assert(AddressSpace<SimulatedPages>);

SimulatedPages::SimulatedPages() noexcept {
  void* p = mmap(nullptr, kArenaPages * kPageBytes, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) __builtin_trap();
  arena_ = static_cast<std::byte*>(p);
}

SimulatedPages::~SimulatedPages() { munmap(arena_, kArenaPages * kPageBytes); }

void SimulatedPages::fail_every(PageCall kind, std::uint64_t period) noexcept {
  fail_period_[index(kind)] = period;
  since_set_[index(kind)] = 0;
}

bool SimulatedPages::refuses(PageCall kind) noexcept {
  ++calls_[index(kind)];
  const std::uint64_t period = fail_period_[index(kind)];
  const unsigned one_in = fail_one_in_[index(kind)];
  random_ = random_ * 48271 % 2147483647;  // Park, Miller and Stockmeyer, CACM 36(7), 1993
  const bool refused = (period != 0 && ++since_set_[index(kind)] % period == 0) ||
                       (one_in != 0 && random_ % one_in == 0);
  if (refused) ++refusals_[index(kind)];
  return refused;
}

std::size_t SimulatedPages::page_index(const void* p) const noexcept {
  return static_cast<std::size_t>(static_cast<const std::byte*>(p) - arena_) / kPageBytes;
}

bool SimulatedPages::is_free(std::size_t first, std::size_t count) const noexcept {
  if (first > kArenaPages || count > kArenaPages - first) return false;
  return first_held(first, count) == first + count;
}

std::size_t SimulatedPages::first_held(std::size_t first, std::size_t count) const noexcept {
  const void* held = memchr(held_ + first, true, count);
  return held == nullptr ? first + count
                         : static_cast<std::size_t>(static_cast<const bool*>(held) - held_);
}

void SimulatedPages::mark(std::size_t first, std::size_t count, bool held) noexcept {
  for (std::size_t i = 0; i < count; ++i) {
    if (held_[first + i] == held) __builtin_trap();  // mapped twice, or unmapped what is not held
    held_[first + i] = held;
  }
  pages_held_ = held ? pages_held_ + count : pages_held_ - count;
}

void* SimulatedPages::place(std::size_t bytes, std::size_t align, std::size_t offset) noexcept {
  const std::size_t count = bytes / kPageBytes;
  const auto base = reinterpret_cast<std::uintptr_t>(arena_);
  std::size_t first = 0;
  while (first + count <= kArenaPages) {
    if (align > kPageBytes && !is_aligned(base + first * kPageBytes + offset, align)) {
      ++first;
    } else if (const std::size_t held = first_held(first, count); held != first + count) {
      first = held + 1;
    } else {
      mark(first, count, true);
      return arena_ + first * kPageBytes;
    }
  }
  return nullptr;
}

void SimulatedPages::release(void* p, std::size_t bytes) noexcept {
  mark(page_index(p), bytes / kPageBytes, false);
  madvise(p, bytes, MADV_DONTNEED);
}

void* SimulatedPages::map(std::size_t bytes, std::size_t align, std::size_t offset) noexcept {
  return refuses(PageCall::kMap) ? nullptr : place(bytes, align, offset);
}

bool SimulatedPages::unmap(void* p, std::size_t bytes) noexcept {
  if (refuses(PageCall::kUnmap)) return false;
  release(p, bytes);
  return true;
}

bool SimulatedPages::discard(void* p, std::size_t bytes) noexcept {
  if (refuses(PageCall::kDiscard)) return false;
  return madvise(p, bytes, MADV_DONTNEED) == 0;
}

void* SimulatedPages::remap(void* p, std::size_t old_bytes, std::size_t new_bytes) noexcept {
  if (refuses(PageCall::kRemap)) return nullptr;
  auto* start = static_cast<std::byte*>(p);
  const std::size_t old_end = page_index(p) + old_bytes / kPageBytes;
  if (new_bytes <= old_bytes) {
    if (new_bytes < old_bytes) release(start + new_bytes, old_bytes - new_bytes);
    return p;
  }
  const std::size_t more = (new_bytes - old_bytes) / kPageBytes;
  if (is_free(old_end, more)) {
    mark(old_end, more, true);
    return p;
  }
  void* moved = place(new_bytes, 0, 0);
  if (moved == nullptr) return nullptr;
  memcpy(moved, p, old_bytes);
  release(p, old_bytes);
  return moved;
}

void* SimulatedPages::reserve(void* hint, std::size_t bytes, Access /*access*/) noexcept {
  if (refuses(PageCall::kReserve)) return nullptr;
  const std::size_t count = bytes / kPageBytes;
  if (hint != nullptr && is_free(page_index(hint), count)) {
    mark(page_index(hint), count, true);
    return hint;
  }
  return place(bytes, 0, 0);
}

bool SimulatedPages::commit(void* /*p*/, std::size_t /*bytes*/) noexcept {
  return !refuses(PageCall::kCommit);
}

bool SimulatedPages::move_pages(void* from, void* to, std::size_t bytes) noexcept {
  if (refuses(PageCall::kMove)) {
    madvise(to, bytes, MADV_DONTNEED);
    return false;
  }
  memcpy(to, from, bytes);
  return madvise(from, bytes, MADV_DONTNEED) == 0;
}

}  // namespace mem
