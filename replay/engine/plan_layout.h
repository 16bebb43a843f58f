// The compiled trace as the worker executes it: streams of 64-bit words, one operation after the
// other. Shared by the compiler (plan_compiler.h) and the worker, which links no C++ library.
//
// There is a stream for each lane. A lane is what one thread of the worker executes at a time; when
// a recorded thread has ended, one that begins later may go on in its lane. Lane 0 belongs to the
// process's first thread, which starts and joins all others.
//
// An event:
//   63                     36  35  34  32 31                      0
//  +-------------------------+----+------+-------------------------+
//  | size, or kWideSize      |post|  op  |          slot           |
//  +-------------------------+----+------+-------------------------+
//  [size in bytes]        only if the size field is kWideSize; the field of a free is its note
//  [alignment in bytes]   only for kAligned
//  [old size in bytes]    only for kRealloc
//
// In a plan for Touch::kRecorded, one more word stands before a birth or realloc whose object was
// touched in part only, until it was freed or resized again:
//
//  63                     36  35  34  32 31                      0
//  +-------------------------+----+------+-------------------------+
//  | pages touched, or all   |  0 |  5   |  pages touched before   |
//  +-------------------------+----+------+-------------------------+
//
// A slot holds the address of one live object. Slots are reused, the last freed one first, so the
// table stays as small as the largest number of objects alive at once and mostly in cache.
// An ordinary event costs 8 bytes. `post`: after it, the lane tells others how far it has come.
//
// A step, only in plans of several lanes:
//   63                     37  36  35 34  32 31                      0
//  +-------------------------+-------+------+-------------------------+
//  | events of the lane so   | step  |  6   |       other lane        |
//  | far, their lowest bits  |       |      |                         |
//  +-------------------------+-------+------+-------------------------+
//  kWait:  [word of the other lane's stream that it must have reached]
//  kStart: [first word][end word][first event][end event] of a thread in the other lane's stream
//          (the ends are kAllWords as long as they are not known: plan_feed.h)
#pragma once

#include <cstdint>

#include "replay/trace/event.h"

namespace replay {

using PlanWord = std::uint64_t;

inline constexpr std::uint64_t kAllWords = UINT64_MAX / 2;  // more than any plan has

inline constexpr unsigned kPlanOpShift = 32;
inline constexpr unsigned kPlanPostShift = 35;
inline constexpr unsigned kPlanSizeShift = 36;
inline constexpr PlanWord kPlanPost = PlanWord{1} << kPlanPostShift;
inline constexpr std::uint64_t kWideSize = (std::uint64_t{1} << 28) - 1;
inline constexpr unsigned kPlanTouchedPart = 5;
inline constexpr std::uint32_t kAllPagesBefore = UINT32_MAX;  // of the size that realloc ends
inline constexpr std::uint64_t kAllPages = kWideSize;
inline constexpr unsigned kPlanStep = 6;
static_assert(kOpCount <= kPlanTouchedPart, "an operation has three bits");

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
// recorded thread than this one made the object.
constexpr std::uint64_t free_note(unsigned size_class, bool remote) {
  return size_class | (remote ? 1U << 8 : 0U);
}
constexpr unsigned free_note_size_class(std::uint64_t note) {
  return static_cast<unsigned>(note & 0xff);
}
constexpr bool free_note_is_remote(std::uint64_t note) { return (note >> 8) != 0; }
constexpr bool plan_posts(PlanWord word) { return (word & kPlanPost) != 0; }

// Words of the event that begins with `word`.
constexpr std::uint64_t plan_event_words(PlanWord word) {
  const Op op = plan_op(word);
  const bool wide = plan_size_field(word) == kWideSize;
  return 1U + (wide ? 1U : 0U) + (op == Op::kAligned || op == Op::kRealloc ? 1U : 0U);
}

// The most that plan_event_words() can be.
inline constexpr unsigned kEventWords = 3;

enum class Step : std::uint32_t { kWait, kStart };

inline constexpr unsigned kPlanStepEventBits = 27;
inline constexpr unsigned kPlanStepEventShift = 37;
inline constexpr unsigned kWaitWords = 2;
inline constexpr unsigned kStartWords = 5;

constexpr PlanWord plan_step_word(Step step, std::uint32_t lane, std::uint64_t lane_events) {
  return lane | (PlanWord{kPlanStep} << kPlanOpShift) |
         (static_cast<PlanWord>(step) << kPlanPostShift) | (lane_events << kPlanStepEventShift);
}
constexpr bool is_plan_step(PlanWord word) { return ((word >> kPlanOpShift) & 7) == kPlanStep; }
constexpr Step plan_step(PlanWord word) { return static_cast<Step>((word >> kPlanPostShift) & 1); }
// The lane's events before a step, given some number of them that is at most 2^27 smaller.
constexpr std::uint64_t plan_step_events(PlanWord word, std::uint64_t at_least) {
  constexpr std::uint64_t kMask = (std::uint64_t{1} << kPlanStepEventBits) - 1;
  return at_least + (((word >> kPlanStepEventShift) - at_least) & kMask);
}

}  // namespace replay
