// Pages for tests: one arena reserved at construction, handed out lowest address first, so that
// equal calls give equal layouts; every call is counted and can be made to fail.
//
// Not thread-safe. A call costs O(pages of the arena) in the worst case.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/bits.h"
#include "core/os/page_source.h"

namespace mem {

enum class PageCall : unsigned char {
  kMap,
  kUnmap,
  kDiscard,
  kRemap,
  kReserve,
  kCommit,
  kMove,
  kHuge,
  kPopulate
};
inline constexpr std::size_t kPageCallKinds = 9;

class SimulatedPages {
 public:
  static constexpr std::size_t kArenaPages = std::size_t{1} << 16;  // 256 MiB

  SimulatedPages() noexcept;
  ~SimulatedPages();
  SimulatedPages(const SimulatedPages&) = delete;
  SimulatedPages& operator=(const SimulatedPages&) = delete;

  void* map(std::size_t bytes, std::size_t align, std::size_t offset) noexcept;
  bool unmap(void* p, std::size_t bytes) noexcept;
  bool discard(void* p, std::size_t bytes) noexcept;
  void* remap(void* p, std::size_t old_bytes, std::size_t new_bytes) noexcept;

  // Reserved pages count as held from the start: commit only counts its calls.
  void* reserve(void* hint, std::size_t bytes, Access access) noexcept;
  bool commit(void* p, std::size_t bytes) noexcept;
  bool move_pages(void* from, void* to, std::size_t bytes) noexcept;
  void prefer_huge(void*, std::size_t, bool) noexcept { ++calls_[index(PageCall::kHuge)]; }
  void populate(void*, std::size_t) noexcept { ++calls_[index(PageCall::kPopulate)]; }
  std::uint64_t first_touch_us(void* p) noexcept {
    *static_cast<std::byte*>(p) = std::byte{0};
    return touch_us_;
  }
  void set_touch_us(std::uint64_t us) noexcept { touch_us_ = us; }
  std::size_t address_limit() noexcept { return kArenaPages * kPageBytes; }
  std::uint64_t now_ms() noexcept { return now_ms_; }
  void advance_ms(std::uint64_t ms) noexcept { now_ms_ += ms; }

  std::uint64_t calls(PageCall kind) const noexcept { return calls_[index(kind)]; }
  std::uint64_t refusals(PageCall kind) const noexcept { return refusals_[index(kind)]; }
  std::uint64_t pages_held() const noexcept { return pages_held_; }

  // From now on, every `period`-th call of that kind fails; 1 = each, 0 = none.
  void fail_every(PageCall kind, std::uint64_t period) noexcept;
  // From now on a call of that kind fails with a chance of one in `n`, the same ones in each run;
  // 0 = none. What makes several calls in a row is not refused for ever, as it can be by a period.
  void fail_one_in(PageCall kind, unsigned n) noexcept { fail_one_in_[index(kind)] = n; }

 private:
  static std::size_t index(PageCall kind) noexcept { return static_cast<std::size_t>(kind); }
  bool refuses(PageCall kind) noexcept;
  std::size_t page_index(const void* p) const noexcept;
  bool is_free(std::size_t first, std::size_t count) const noexcept;
  // first + count if none of them is held.
  std::size_t first_held(std::size_t first, std::size_t count) const noexcept;
  void mark(std::size_t first, std::size_t count, bool held) noexcept;
  void* place(std::size_t bytes, std::size_t align, std::size_t offset) noexcept;
  void release(void* p, std::size_t bytes) noexcept;

  std::byte* arena_ = nullptr;
  std::uint64_t calls_[kPageCallKinds] = {};
  std::uint64_t refusals_[kPageCallKinds] = {};
  std::uint64_t fail_period_[kPageCallKinds] = {};
  std::uint64_t since_set_[kPageCallKinds] = {};
  unsigned fail_one_in_[kPageCallKinds] = {};
  std::uint64_t random_ = 1;
  std::uint64_t pages_held_ = 0;
  std::uint64_t touch_us_ = 0;
  std::uint64_t now_ms_ = 1;
  bool held_[kArenaPages] = {};
};

}  // namespace mem
