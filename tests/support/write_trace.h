// Short ways to write events and traces of them.
#pragma once

#include <string>
#include <vector>

#include "replay/trace/event.h"
#include "replay/trace/writer.h"

namespace replay::testing {

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

inline std::string write_trace(const std::string& path, const std::vector<Event>& events) {
  TraceWriter writer(path, TraceHeader{});
  for (const Event& event : events) writer.append(event);
  writer.finish(0, nlohmann::ordered_json::object());
  return path;
}

}  // namespace replay::testing
