// Gives events of one or several traces the numbers that a new trace wants: objects by birth,
// threads by their first event. What names an object that was left out is left out too.
//
// Not thread-safe. O(1) an event; memory is O(live objects + threads).
#pragma once

#include <cstdint>
#include <unordered_map>

#include "replay/trace/event.h"
#include "replay/trace/object_map.h"

namespace replay {

// What the new trace has so far; shared by the sources that are merged into it.
struct NextNumbers {
  std::uint64_t object = 0;
  std::uint32_t thread = 0;
};

class Renumbering {
 public:
  // `next` outlives this.
  explicit Renumbering(NextNumbers* next) : next_(next) {}

  // Returns false, and changes nothing, if the event is of an object that is not live here: never
  // born, or freed.
  bool apply(Event* event);

 private:
  std::uint32_t thread_of(std::uint32_t thread);

  NextNumbers* next_;
  ObjectMap<std::uint64_t> objects_;
  std::unordered_map<std::uint32_t, std::uint32_t> threads_;
  std::uint32_t last_from_ = 0;  // of thread_of(): events of a thread come in runs
  std::uint32_t last_to_ = 0;
};

}  // namespace replay
