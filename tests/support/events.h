// Short ways to write events.
#pragma once

#include <cstdint>

#include "replay/trace/event.h"

namespace replay::test {

inline Event malloc_of(std::uint64_t object, std::uint64_t size) {
  return {.object = object, .size = size, .op = Op::kMalloc};
}
inline Event calloc_of(std::uint64_t object, std::uint64_t size) {
  return {.object = object, .size = size, .op = Op::kCalloc};
}
inline Event aligned_of(std::uint64_t object, std::uint64_t size, std::uint8_t align_log2) {
  return {.object = object, .size = size, .op = Op::kAligned, .align_log2 = align_log2};
}
inline Event realloc_of(std::uint64_t object, std::uint64_t size) {
  return {.object = object, .size = size, .op = Op::kRealloc};
}
inline Event free_of(std::uint64_t object) { return {.object = object, .op = Op::kFree}; }

}  // namespace replay::test
