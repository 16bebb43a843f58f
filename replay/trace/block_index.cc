#include "replay/trace/block_index.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>

#include "replay/trace/format.h"
#include "replay/trace/little_endian.h"

namespace replay {
namespace {

constexpr std::size_t kChecksumBytes = 4;

std::uint32_t checksum(std::span<const unsigned char> bytes) {
  return static_cast<std::uint32_t>(crc32_z(0, bytes.data(), bytes.size() - kChecksumBytes));
}

}  // namespace

std::vector<unsigned char> encode_index(const BlockIndex& index) {
  std::vector<unsigned char> bytes(format::index::size(index.size()));
  unsigned char* to = bytes.data();
  std::copy(format::kIndexMagic.begin(), format::kIndexMagic.end(), to);
  store_le<std::uint32_t>(to + format::index::kBlockCount,
                          static_cast<std::uint32_t>(index.size()));
  to += format::index::kEntriesAt;
  for (const IndexEntry& entry : index) {
    store_le<std::uint64_t>(to, entry.offset);
    store_le<std::uint64_t>(to + 8, entry.first_event);
    store_le<std::uint64_t>(to + 16, entry.first_time);
    to += format::index::kEntrySize;
  }
  store_le<std::uint32_t>(to, checksum(bytes));
  return bytes;
}

std::optional<BlockIndex> decode_index(std::span<const unsigned char> bytes,
                                       const FileLayout& layout, std::uint64_t data_end) {
  const unsigned char* const from = bytes.data();
  if (std::memcmp(from, format::kIndexMagic.data(), format::kIndexMagic.size()) != 0 ||
      load_le<std::uint32_t>(from + format::index::kBlockCount) != layout.block_count ||
      load_le<std::uint32_t>(from + bytes.size() - kChecksumBytes) != checksum(bytes)) {
    return {};
  }
  BlockIndex index;
  IndexEntry least{layout.header_size, 0, 0};
  for (std::uint32_t i = 0; i < layout.block_count; ++i) {
    const unsigned char* const at =
        from + format::index::kEntriesAt + i * format::index::kEntrySize;
    const IndexEntry entry{load_le<std::uint64_t>(at), load_le<std::uint64_t>(at + 8),
                           load_le<std::uint64_t>(at + 16)};
    if (entry.offset < least.offset || entry.offset >= data_end ||
        entry.first_event < least.first_event || (i == 0 && entry.offset != least.offset)) {
      return {};
    }
    index.push_back(entry);
    least = {entry.offset + format::block::kHeadSize, entry.first_event + 1, 0};
  }
  return index;
}

const IndexEntry* find_block(const BlockIndex& index, std::uint64_t event) {
  const auto after = std::upper_bound(
      index.begin(), index.end(), event,
      [](std::uint64_t wanted, const IndexEntry& entry) { return wanted < entry.first_event; });
  return after == index.begin() ? nullptr : &*(after - 1);
}

}  // namespace replay
