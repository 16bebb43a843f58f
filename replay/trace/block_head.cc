#include "replay/trace/block_head.h"

#include <fmt/format.h>
#include <zlib.h>

#include <cstring>
#include <limits>

#include "replay/trace/format.h"
#include "replay/trace/little_endian.h"

namespace replay {
namespace {

std::uint32_t crc_of(const unsigned char* data, std::size_t size) {
  return static_cast<std::uint32_t>(crc32(0, data, static_cast<uInt>(size)));
}

}  // namespace

void encode_head(const BlockHead& head, unsigned char* to) {
  namespace at = format::block;
  std::memset(to, 0, at::kHeadSize);
  std::memcpy(to, format::kBlockMagic.data(), format::kBlockMagic.size());
  store_le<std::uint32_t>(to + at::kEventCount, head.event_count);
  store_le<std::uint64_t>(to + at::kFirstEvent, head.first_event);
  store_le<std::uint64_t>(to + at::kFirstTime, head.first_time);
  store_le<std::uint64_t>(to + at::kObjectsBefore, head.objects_before);
  store_le<std::uint32_t>(to + at::kCompressedSize, head.compressed_size);
  store_le<std::uint32_t>(to + at::kRawSize, head.raw_size);
  store_le<std::uint32_t>(to + at::kCrc, crc_of(to, at::kCrc));
}

std::string decode_head(const unsigned char* from, BlockHead* head, std::uint32_t features) {
  namespace at = format::block;
  if (std::memcmp(from, format::kBlockMagic.data(), format::kBlockMagic.size()) != 0) {
    return "expected the magic \"ABLK\" of a block";
  }
  const std::uint32_t stored = load_le<std::uint32_t>(from + at::kCrc);
  const std::uint32_t computed = crc_of(from, at::kCrc);
  if (stored != computed) {
    return fmt::format("block head checksum does not match (stored {:08x}, computed {:08x})",
                       stored, computed);
  }
  head->event_count = load_le<std::uint32_t>(from + at::kEventCount);
  head->first_event = load_le<std::uint64_t>(from + at::kFirstEvent);
  head->first_time = load_le<std::uint64_t>(from + at::kFirstTime);
  head->objects_before = load_le<std::uint64_t>(from + at::kObjectsBefore);
  head->compressed_size = load_le<std::uint32_t>(from + at::kCompressedSize);
  head->raw_size = load_le<std::uint32_t>(from + at::kRawSize);
  if (head->event_count < 1 || head->event_count > at::kMaxEvents) {
    return fmt::format("a block of {} events, expected 1 to {}", head->event_count, at::kMaxEvents);
  }
  const std::size_t max_raw = format::payload::max_raw_size(head->event_count, features);
  const std::size_t min_raw = format::payload::columns_at(features);
  if (head->raw_size < min_raw || head->raw_size > max_raw) {
    return fmt::format("raw size {}, expected {} to {}", head->raw_size, min_raw, max_raw);
  }
  const std::size_t max_compressed = format::payload::max_compressed_size(head->raw_size);
  if (head->compressed_size > max_compressed) {
    return fmt::format("compressed size {}, expected at most {}", head->compressed_size,
                       max_compressed);
  }
  if (head->objects_before > head->first_event ||
      head->first_event > std::numeric_limits<std::uint64_t>::max() - head->event_count) {
    return fmt::format("{} objects born in {} events", head->objects_before, head->first_event);
  }
  return {};
}

}  // namespace replay
