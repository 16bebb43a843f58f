// One recorded call. Events name objects (dense ids of allocation lives), never addresses.
#pragma once

#include <cstdint>

namespace replay {

enum class Op : std::uint8_t {
  kMalloc = 0,
  kCalloc = 1,   // size is the product, already checked for overflow by the recorded program
  kAligned = 2,  // posix_memalign, aligned_alloc, memalign, aligned operator new, valloc, pvalloc
  kRealloc = 3,  // resizes a live object, which keeps its id; realloc(NULL, n) is kMalloc and
                 // realloc(p, 0) is kFree
  kFree = 4,     // free(NULL) is not an event
};
inline constexpr int kOpCount = 5;

// True for the operations that start an object's life (and take the next object id).
constexpr bool is_birth(Op op) {
  return op == Op::kMalloc || op == Op::kCalloc || op == Op::kAligned;
}

constexpr const char* op_name(Op op) {
  constexpr const char* kNames[kOpCount] = {"malloc", "calloc", "aligned", "realloc", "free"};
  return kNames[static_cast<int>(op)];
}

// Touched is told in pages of so many bytes, however large the machine's are.
inline constexpr std::uint64_t kTouchedPageBytes = 4096;

struct Event {
  std::uint64_t time_ns = 0;  // since the trace began, never decreasing
  std::uint64_t object = 0;   // births take 0, 1, 2, ... in the order of the trace
  std::uint64_t size = 0;     // bytes requested; 0 for kFree
  std::uint32_t thread = 0;   // 0, 1, 2, ... in the order of first appearance
  Op op = Op::kMalloc;
  std::uint8_t align_log2 = 0;  // kAligned only
  // What a recording may know besides; both 0 if it does not.
  std::uint32_t site = 0;     // of a birth or realloc: the stack that called, a number of SiteTable
  std::uint32_t touched = 0;  // of a free or realloc: 1 + the pages of the block that were touched

  friend bool operator==(const Event&, const Event&) = default;
};

}  // namespace replay
