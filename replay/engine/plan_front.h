// The worker's end of a streamed plan (plan_feed.h is the other): how far its words go for now, and
// how to get more.
//
// For the worker: no C++ library, allocates nothing.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "replay/engine/run_layout.h"

namespace replay {

// Has the kernel map the pages of [from, to) now and not when they are first used. pre: nobody else
// writes there meanwhile.
inline void map_pages(const void* from, const void* to) {
  constexpr std::uintptr_t kPage = 4096;
  const auto end = reinterpret_cast<std::uintptr_t>(to);
  for (auto at = reinterpret_cast<std::uintptr_t>(from); at < end; at = (at / kPage + 1) * kPage) {
    auto* byte = reinterpret_cast<volatile unsigned char*>(at);
    *byte = *byte;
  }
}

// All words that are ready are done, of every lane: waits for further ones.
inline void fetch_words(RunHeader& run, void** slots) {
  const std::uint64_t slots_there = run.slots_ready;
  std::uint64_t count = 1;
  while (::write(run.hungry_fd, &count, sizeof(count)) < 0 && errno == EINTR) {
  }
  while (::read(run.fed_fd, &count, sizeof(count)) < 0 && errno == EINTR) {
  }
  map_pages(slots + slots_there, slots + run.slots_ready);
}

}  // namespace replay
