// The compiled trace as the worker executes it: a stream of 64-bit words, one operation after the
// other. Shared by the compiler (plan.cc) and the worker, which links no C++ library.
//
//   63                     35 34  32 31                      0
//  +-------------------------+------+-------------------------+
//  | size, or kWideSize      |  op  |          slot           |
//  +-------------------------+------+-------------------------+
//  [size in bytes]        only if the size field is kWideSize; the field of a free is its note
//  [alignment in bytes]   only for kAligned
//  [old size in bytes]    only for kRealloc
//
// In a plan for Touch::kRecorded, one more word stands before a birth or realloc whose object was
// touched in part only, until it was freed or resized again:
//
//  63                     35 34  32 31                      0
//  +-------------------------+------+-------------------------+
//  | pages touched, or all   |  5   |  pages touched before   |
//  +-------------------------+------+-------------------------+
//
// A slot holds the address of one live object. Slots are reused, the last freed one first, so the
// table stays as small as the largest number of objects alive at once and mostly in cache.
// An ordinary event costs 8 bytes.
#pragma once

#include <cstdint>

#include "replay/trace/event.h"

namespace replay {

using PlanWord = std::uint64_t;

inline constexpr unsigned kPlanOpShift = 32;
inline constexpr unsigned kPlanSizeShift = 35;
inline constexpr std::uint64_t kWideSize = (std::uint64_t{1} << 29) - 1;
inline constexpr unsigned kPlanTouchedPart = kOpCount;
inline constexpr std::uint32_t kAllPagesBefore = UINT32_MAX;  // of the size that realloc ends
inline constexpr std::uint64_t kAllPages = kWideSize;
static_assert(kPlanTouchedPart < 8, "an operation has three bits");

constexpr PlanWord plan_word(std::uint32_t slot, Op op, std::uint64_t size_field) {
  return slot | (static_cast<PlanWord>(op) << kPlanOpShift) | (size_field << kPlanSizeShift);
}
constexpr PlanWord touched_part_word(std::uint32_t pages_before, std::uint64_t pages) {
  return pages_before | (PlanWord{kPlanTouchedPart} << kPlanOpShift) |
         ((pages < kAllPages ? pages : kAllPages) << kPlanSizeShift);
}
inline constexpr PlanWord kTouchedWhole = touched_part_word(kAllPagesBefore, kAllPages);
constexpr bool is_touched_part(PlanWord word) {
  return ((word >> kPlanOpShift) & 7) == kPlanTouchedPart;
}
constexpr std::uint32_t plan_slot(PlanWord word) { return static_cast<std::uint32_t>(word); }
constexpr Op plan_op(PlanWord word) { return static_cast<Op>((word >> kPlanOpShift) & 7); }
constexpr std::uint64_t plan_size_field(PlanWord word) { return word >> kPlanSizeShift; }

// What the size field of a free says: its object's size class (size_class.h), and whether another
// thread than this one made the object.
constexpr std::uint64_t free_note(unsigned size_class, bool remote) {
  return size_class | (remote ? 1U << 8 : 0U);
}
constexpr unsigned free_note_size_class(std::uint64_t note) {
  return static_cast<unsigned>(note & 0xff);
}
constexpr bool free_note_is_remote(std::uint64_t note) { return (note >> 8) != 0; }

}  // namespace replay
