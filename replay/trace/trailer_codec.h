// The trailer of a streamed trace (traces/README.md) to and from bytes: what an ordinary trace says
// in its header, said at the end. Knows nothing of files.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "replay/trace/header.h"
#include "replay/trace/header_codec.h"

namespace replay {

// Throws std::length_error if the provenance is longer than a trailer can hold.
std::string encode_trailer(const TraceHeader& header);

// The size that a trailer has which begins, or ends, with these bytes; 0 if none does.
// pre: format::trailer::kFixedSize or format::trailer::kEndSize bytes.
std::uint32_t trailer_size_at_begin(std::span<const unsigned char> fixed);
std::uint32_t trailer_size_at_end(std::span<const unsigned char> end);

// Takes counts, losses and provenance into `header`, which is complete then. Offsets in a problem
// count from the trailer's first byte. pre: either function above gave bytes.size().
HeaderProblem decode_trailer(std::span<const unsigned char> bytes, TraceHeader* header);

}  // namespace replay
