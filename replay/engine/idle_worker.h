// Idling after a replay (idle.h). For the worker: no C++ library, no allocation.
#pragma once

#include <time.h>

#include <cstdint>

#include "replay/engine/malloc_library.h"
#include "replay/engine/memory_pass.h"
#include "replay/engine/process_memory.h"

namespace replay {

// Has the allocator give back what it can: malloc_trim(0) of the library that malloc comes from, or
// the purge of an allocator in the process. Returns false if it has neither.
inline bool trim(const Stage& stage) {
  if (is_process_malloc(*stage.run)) {
    const auto malloc_trim = reinterpret_cast<int (*)(std::size_t)>(beside_malloc("malloc_trim"));
    if (malloc_trim != nullptr) malloc_trim(0);
    return malloc_trim != nullptr;
  }
  const auto purge = stage.allocator.table().purge;
  if (purge != nullptr) purge(stage.allocator.self());
  return purge != nullptr;
}

// Takes as long as the last of the stated times.
inline void idle(const Stage& stage) {
  Idle& idle = stage.run->idle;
  timespec start;
  ::clock_gettime(CLOCK_MONOTONIC, &start);
  if (stage.run->pass == Pass::kTrimmed) idle.trimmed = trim(stage);
  for (std::uint32_t i = 0; i < idle.count; ++i) {
    const std::int64_t ns = start.tv_nsec + std::int64_t{idle.after_ms[i] % 1000} * 1'000'000;
    const timespec until{start.tv_sec + idle.after_ms[i] / 1000 + ns / 1'000'000'000,
                         ns % 1'000'000'000};
    while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) != 0) {
    }
    idle.anonymous_bytes[i] = sample_memory().anonymous_bytes;
  }
}

}  // namespace replay
