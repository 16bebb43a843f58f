// Opening the spool in the program's first call, and deciding whether this process is recorded.
//
// Never allocates; no descriptor stays open (programs close descriptors that they did not open, and
// a number used again would have the library write into somebody's file): one sparse mapping of the
// whole spool is made at the start instead.
#pragma once

#include <cstddef>
#include <cstdint>

#include "replay/record/spool.h"

namespace replay::preload {

struct Image {
  spool::ImageHeader* header;
  std::byte* chunks;
  std::uint64_t max_chunks;
  spool::Control* control;
  int pid;
};
extern Image g_image;  // constant once the gate is open

}  // namespace replay::preload
