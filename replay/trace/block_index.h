// The index behind the blocks of an ordinary trace, to and from bytes: where each block begins, so
// that a reader need not go through those before it. Knows nothing of files.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "replay/trace/header_codec.h"

namespace replay {

struct IndexEntry {
  std::uint64_t offset;
  std::uint64_t first_event;
  std::uint64_t first_time;  // units
};
using BlockIndex = std::vector<IndexEntry>;

std::vector<unsigned char> encode_index(const BlockIndex& index);

// Nothing if the bytes are no index, or one that cannot be of blocks from layout.header_size to
// `data_end`. pre: bytes has format::index::size(layout.block_count) bytes.
std::optional<BlockIndex> decode_index(std::span<const unsigned char> bytes,
                                       const FileLayout& layout, std::uint64_t data_end);

// The last block that begins with that event or one before it; nullptr if there is none. O(log n).
const IndexEntry* find_block(const BlockIndex& index, std::uint64_t event);

}  // namespace replay
