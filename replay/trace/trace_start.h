// What is known of a trace before its blocks are read: its header, and of a regular file where the
// blocks end and whether it is as long as it should be.
#pragma once

#include <cstdint>
#include <limits>

#include "replay/trace/header.h"
#include "replay/trace/header_codec.h"
#include "replay/trace/input_file.h"

namespace replay {

inline constexpr std::uint64_t kUnknownEnd = std::numeric_limits<std::uint64_t>::max();

struct TraceStart {
  TraceHeader header;  // of a streamed trace in a regular file, as its trailer completes it
  FileLayout layout;
  std::uint64_t data_end = kUnknownEnd;  // of the blocks
};

// allow_truncated: only the header has to be as the specification says. Throws Error, with the
// file and the byte offset.
TraceStart read_start(InputFile& file, bool allow_truncated);

}  // namespace replay
