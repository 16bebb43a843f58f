// The 48-byte head of a block of trace format v1, to and from bytes. Knows nothing of files.
#pragma once

#include <cstdint>
#include <string>

namespace replay {

struct BlockHead {
  std::uint32_t event_count = 0;
  std::uint64_t first_event = 0;
  std::uint64_t first_time = 0;  // units
  std::uint64_t objects_before = 0;
  std::uint32_t compressed_size = 0;
  std::uint32_t raw_size = 0;
};

void encode_head(const BlockHead& head, unsigned char* to);
// Returns what is wrong with the bytes, or "" if `head` holds them now.
std::string decode_head(const unsigned char* from, BlockHead* head, std::uint32_t features = 0);

}  // namespace replay
