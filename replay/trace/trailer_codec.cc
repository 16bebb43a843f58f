#include "replay/trace/trailer_codec.h"

#include <fmt/format.h>
#include <zlib.h>

#include <cstring>
#include <stdexcept>

#include "replay/trace/format.h"
#include "replay/trace/little_endian.h"
#include "replay/trace/parse_json.h"

namespace replay {
namespace {

namespace at = format::trailer;

std::uint32_t plausible(std::uint32_t size) {
  return size >= at::kFixedSize + at::kEndSize && size <= at::kMaxSize ? size : 0;
}

}  // namespace

std::string encode_trailer(const TraceHeader& header) {
  const std::string meta = dump_provenance(header.provenance);
  if (meta.size() > at::kMaxSize - at::kFixedSize - at::kEndSize) {
    throw std::length_error("the provenance is longer than a trace can hold (16 MiB)");
  }
  std::string bytes(at::kFixedSize, '\0');
  bytes += meta;
  bytes.resize(bytes.size() + at::kEndSize);
  auto* const to = reinterpret_cast<unsigned char*>(bytes.data());
  const auto size = static_cast<std::uint32_t>(bytes.size());
  std::memcpy(to, format::kTrailerMagic.data(), format::kTrailerMagic.size());
  store_le<std::uint32_t>(to + at::kSize, size);
  store_le<std::uint64_t>(to + at::kEventCount, header.event_count);
  store_le<std::uint64_t>(to + at::kObjectCount, header.object_count);
  store_le<std::uint64_t>(to + at::kLostEvents, header.lost_events);
  store_le<std::uint32_t>(to + at::kThreadCount, header.thread_count);
  store_le<std::uint32_t>(to + at::kMetaSize, static_cast<std::uint32_t>(meta.size()));
  store_le<std::uint32_t>(to + size - at::kEndSize, size);
  store_le<std::uint32_t>(to + size - 4, static_cast<std::uint32_t>(crc32_z(0, to, size - 4)));
  return bytes;
}

std::uint32_t trailer_size_at_begin(std::span<const unsigned char> fixed) {
  if (std::memcmp(fixed.data(), format::kTrailerMagic.data(), format::kTrailerMagic.size()) != 0) {
    return 0;
  }
  return plausible(load_le<std::uint32_t>(fixed.data() + at::kSize));
}

std::uint32_t trailer_size_at_end(std::span<const unsigned char> end) {
  return plausible(load_le<std::uint32_t>(end.data()));
}

HeaderProblem decode_trailer(std::span<const unsigned char> bytes, TraceHeader* header) {
  const unsigned char* const from = bytes.data();
  const std::size_t size = bytes.size();
  if (trailer_size_at_begin(bytes) != size ||
      load_le<std::uint32_t>(from + size - at::kEndSize) != size) {
    return {"expected the magic \"AEND\" of the trailer and its size, twice", 0};
  }
  const auto stored = load_le<std::uint32_t>(from + size - 4);
  const auto computed = static_cast<std::uint32_t>(crc32_z(0, from, size - 4));
  if (stored != computed) {
    return {fmt::format("trailer checksum does not match (stored {:08x}, computed {:08x})", stored,
                        computed),
            size - 4};
  }
  const auto meta_size = load_le<std::uint32_t>(from + at::kMetaSize);
  if (meta_size > size - at::kFixedSize - at::kEndSize) {
    return {"the provenance is longer than the trailer", at::kMetaSize};
  }
  const auto meta = bytes.subspan(at::kFixedSize, meta_size);
  nlohmann::ordered_json provenance;
  const std::string problem =
      parse_provenance({reinterpret_cast<const char*>(meta.data()), meta.size()}, &provenance);
  if (!problem.empty()) return {problem, at::kFixedSize};
  header->event_count = load_le<std::uint64_t>(from + at::kEventCount);
  header->object_count = load_le<std::uint64_t>(from + at::kObjectCount);
  header->lost_events = load_le<std::uint64_t>(from + at::kLostEvents);
  header->thread_count = load_le<std::uint32_t>(from + at::kThreadCount);
  header->provenance = std::move(provenance);
  header->complete = true;
  return {};
}

}  // namespace replay
