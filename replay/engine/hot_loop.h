// The replay's inner loop: executes plan words against an allocator. One template serves all
// passes; a Probe decides what happens around each call (nothing, or reading a timer), a Sync how
// the thread keeps in step with others.
//
// Inside a timed window stands the call of the allocator alone; decoding the plan, the slot table,
// touching the object and waiting stand outside it. Uses no C++ library.
#pragma once

#include <cstddef>
#include <cstring>

#include "core/alloc/any_allocator.h"
#include "replay/engine/plan_layout.h"
#include "replay/engine/run_layout.h"

namespace replay {

inline constexpr std::size_t kTouchPage = 4096;

// Writes to the bytes [from, to) of an object: one byte on every page, or all of them.
template <Touch kTouch>
inline void touch(void* object, std::size_t from, std::size_t to) {
  if (kTouch == Touch::kNone || object == nullptr || from >= to) return;
  auto* bytes = static_cast<volatile unsigned char*>(object);
  if constexpr (kTouch == Touch::kAll) {
    std::memset(static_cast<unsigned char*>(object) + from, 0x5a, to - from);
  } else {
    bytes[from] = 0x5a;
    const auto address = reinterpret_cast<std::uintptr_t>(object);
    std::size_t next = ((address + from) / kTouchPage + 1) * kTouchPage - address;
    for (; next < to; next += kTouchPage) bytes[next] = 0x5a;
  }
}

// The same for Touch::kRecorded: `part` is the word of the plan that says which pages.
inline void touch_part(void* object, std::size_t kept, std::size_t size, PlanWord part) {
  const std::size_t into_page = reinterpret_cast<std::uintptr_t>(object) % kTouchPage;
  const auto bytes_of = [&](std::size_t pages) {
    return pages == 0 ? 0 : pages * kTouchPage - into_page;
  };
  const std::size_t from = plan_slot(part) == kAllPagesBefore ? kept : bytes_of(plan_slot(part));
  const std::size_t to =
      plan_size_field(part) == kAllPages ? size : bytes_of(plan_size_field(part));
  touch<Touch::kPage>(object, from < kept ? from : kept, to < size ? to : size);
}

// For passes that look at no single call. Other probes: latency_probe.h, pace.h.
struct NoProbe {
  static std::uint64_t start() { return 0; }
  void stop(Op, std::uint64_t) {}
};

// For plans of one lane: there is nobody to keep in step with, and no steps are in the plan.
struct NoSync {
  static constexpr bool kOn = false;
};

// calloc and realloc for allocators without the capability, as a caller would write them.
inline void* zeroed(const mem::AnyAllocator& allocator, std::size_t size) {
  if (allocator.table().allocate_zeroed != nullptr) {
    return allocator.table().allocate_zeroed(allocator.self(), size);
  }
  void* p = allocator.allocate(size, 0);
  return p == nullptr || !allocator.table().backed ? p : std::memset(p, 0, size);
}

inline void* resized(const mem::AnyAllocator& allocator, void* old, std::size_t old_size,
                     std::size_t size) {
  if (allocator.table().reallocate != nullptr && old != nullptr) {
    return allocator.table().reallocate(allocator.self(), old, size);
  }
  void* p = allocator.allocate(size, 0);
  if (p != nullptr && old != nullptr) {
    if (allocator.table().backed) std::memcpy(p, old, old_size < size ? old_size : size);
    allocator.deallocate(old);
  }
  return p;
}

// After a call, outside its window: probes that want to know more of it than its operation.
// size: requested, or of a free its note (plan_layout.h).
template <class Probe>
void tell(Probe& probe, Op op, std::uint64_t size, const void* result) {
  if constexpr (requires { probe.done(op, size, result); }) probe.done(op, size, result);
}

// After a call: probes that keep account of what lives where. result: nullptr of a free.
template <class Probe>
void settle(Probe& probe, std::uint32_t slot, Op op, std::uint64_t size, const void* result) {
  if constexpr (requires { probe.settled(slot, op, size, result); }) {
    probe.settled(slot, op, size, result);
  }
}

// Executes words [begin, end), the first of which begins an event or a step; returns how many
// allocations failed. A failed object's slot stays empty and its later events do nothing (a resize
// allocates anew); an object that could not be resized is freed, so that slot and plan agree on
// what is live.
template <Touch kTouch, class Probe, class Sync = NoSync>
std::uint64_t run_plan(const mem::AnyAllocator allocator, const PlanWord* begin,
                       const PlanWord* end, void** slots, Probe& probe, const Sync& sync = {}) {
  std::uint64_t failed = 0;
  for (const PlanWord* pc = begin; pc != end;) {
    [[maybe_unused]] PlanWord part = kTouchedWhole;
    if constexpr (kTouch == Touch::kRecorded) {
      if (is_touched_part(*pc)) part = *pc++;
    }
    const PlanWord word = *pc++;
    if constexpr (Sync::kOn) {
      if (is_plan_step(word)) [[unlikely]] {
        pc = sync.step(word, pc);
        continue;
      }
    }
    void*& slot = slots[plan_slot(word)];
    std::size_t size = plan_size_field(word);
    if (size == kWideSize) [[unlikely]]
      size = *pc++;
    const Op op = plan_op(word);
    if (op == Op::kFree) {
      const std::uint64_t t = probe.start();
      allocator.deallocate(slot);
      probe.stop(Op::kFree, t);
      tell(probe, Op::kFree, size, nullptr);
      settle(probe, plan_slot(word), Op::kFree, 0, nullptr);
      slot = nullptr;
      if constexpr (Sync::kOn) {
        if (plan_posts(word)) sync.post(pc);
      }
      continue;
    }
    std::size_t kept = 0;  // bytes that an earlier event of the object has touched
    void* result;
    if (op == Op::kMalloc) [[likely]] {
      const std::uint64_t t = probe.start();
      result = allocator.allocate(size, 0);
      probe.stop(Op::kMalloc, t);
    } else if (op == Op::kCalloc) {
      const std::uint64_t t = probe.start();
      result = zeroed(allocator, size);
      probe.stop(Op::kCalloc, t);
    } else if (op == Op::kRealloc) {
      const std::size_t old_size = *pc++;
      kept = slot == nullptr ? 0 : old_size;
      const std::uint64_t t = probe.start();
      result = resized(allocator, slot, old_size, size);
      probe.stop(Op::kRealloc, t);
      if (result == nullptr) allocator.deallocate(slot);
    } else {
      const std::size_t align = *pc++;
      const std::uint64_t t = probe.start();
      result = allocator.allocate(size, align);
      probe.stop(Op::kAligned, t);
    }
    tell(probe, op, size, result);
    settle(probe, plan_slot(word), op, size, result);
    slot = result;
    failed += result == nullptr ? 1 : 0;
    if constexpr (kTouch == Touch::kRecorded) {
      if (allocator.table().backed) touch_part(result, kept, size, part);
    } else {
      touch<kTouch>(result, kept, size);
    }
    if constexpr (Sync::kOn) {
      if (plan_posts(word)) sync.post(pc);
    }
  }
  return failed;
}

}  // namespace replay
