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

struct Event {
  std::uint64_t time_ns = 0;  // since the trace began, never decreasing
  std::uint64_t object = 0;   // births take 0, 1, 2, ... in the order of the trace
  std::uint64_t size = 0;     // bytes requested; 0 for kFree
  std::uint32_t thread = 0;   // 0, 1, 2, ... in the order of first appearance
  Op op = Op::kMalloc;
  std::uint8_t align_log2 = 0;  // kAligned only

  friend bool operator==(const Event&, const Event&) = default;
};

}  // namespace replay
