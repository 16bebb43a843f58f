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

// What the environment of the next program must hold for it to be recorded or counted, too.
struct Carried {
  char directory[4096];  // "ALLOCRECORD_SPOOL=...", or "" in a process that no recorder started
  const char* library;   // as it stands in LD_PRELOAD
};
extern Carried g_carried;  // constant once the library has started

// Whether this is the process that the recorder started, and no other of the same number in a
// namespace of its own. pre: g_image.control. May change errno.
bool is_recorded_process();

// False where ftruncate to so many bytes would end the program with SIGXFSZ.
bool file_may_have(std::uint64_t bytes);

}  // namespace replay::preload
