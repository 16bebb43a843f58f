#include "replay/trace/header_codec.h"

#include <fmt/format.h>
#include <zlib.h>

#include <cstring>

#include "replay/trace/format.h"
#include "replay/trace/little_endian.h"
#include "replay/trace/parse_json.h"

namespace replay {
namespace {

namespace at = format::header;

constexpr std::size_t kPage = 4096;    // headers are a multiple of it, so blocks begin on one
constexpr std::size_t kGrowth = 2048;  // at least so much room for the provenance to grow

std::uint32_t crc_of(const unsigned char* bytes, std::size_t size) {
  constexpr unsigned char kZero[4] = {};
  uLong crc = crc32(0, bytes, at::kCrc);
  crc = crc32(crc, kZero, sizeof(kZero));
  crc = crc32(crc, bytes + at::kCrc + 4, static_cast<uInt>(size - at::kCrc - 4));
  return static_cast<std::uint32_t>(crc);
}

}  // namespace

std::uint32_t features_of(const TraceHeader& header) {
  return (header.streamed ? format::kFeatureStreamed : 0) |
         (header.has_sites ? format::kFeatureSites : 0) |
         (header.has_touched ? format::kFeatureTouched : 0);
}

std::string dump_provenance(const nlohmann::ordered_json& provenance) {
  return provenance.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::uint32_t roomy_header_size(const TraceHeader& header) {
  const std::size_t needed = at::kFixedSize + dump_provenance(header.provenance).size() + kGrowth;
  return static_cast<std::uint32_t>((needed + kPage - 1) / kPage * kPage);
}

bool fits_header_size(const TraceHeader& header, std::uint32_t header_size) {
  return header_size <= at::kMaxSize &&
         at::kFixedSize + dump_provenance(header.provenance).size() <= header_size;
}

std::string encode_header(const TraceHeader& header, const FileLayout& layout) {
  std::string bytes(at::kFixedSize, '\0');
  bytes += dump_provenance(header.provenance);
  bytes.resize(layout.header_size, ' ');
  auto* const to = reinterpret_cast<unsigned char*>(bytes.data());
  std::memcpy(to, format::kFileMagic.data(), format::kFileMagic.size());
  store_le<std::uint16_t>(to + at::kMajor, format::kVersionMajor);
  store_le<std::uint16_t>(to + at::kMinor, format::kVersionMinor);
  store_le<std::uint32_t>(to + at::kFeatures, features_of(header));
  store_le<std::uint32_t>(to + at::kHeaderSize, layout.header_size);
  store_le<std::uint32_t>(to + at::kMetaSize,
                          layout.header_size - static_cast<std::uint32_t>(at::kFixedSize));
  store_le<std::uint64_t>(to + at::kEventCount, header.event_count);
  store_le<std::uint64_t>(to + at::kObjectCount, header.object_count);
  store_le<std::uint32_t>(to + at::kThreadCount, header.thread_count);
  store_le<std::uint32_t>(to + at::kTimeUnitNs, header.time_unit_ns);
  store_le<std::uint64_t>(to + at::kStartUnixNs, header.start_unix_ns);
  store_le<std::uint64_t>(to + at::kIndexOffset, layout.index_offset);
  store_le<std::uint64_t>(to + at::kLostEvents, header.lost_events);
  store_le<std::uint32_t>(to + at::kBlockCount, layout.block_count);
  store_le<std::uint32_t>(to + at::kStatus, header.complete ? format::kStatusComplete : 0);
  store_le<std::uint32_t>(to + at::kCrc, crc_of(to, bytes.size()));
  return bytes;
}

HeaderProblem decode_preamble(std::span<const unsigned char> fixed, std::uint32_t* header_size) {
  const unsigned char* const from = fixed.data();
  if (std::memcmp(from, format::kFileMagic.data(), format::kFileMagic.size()) != 0) {
    return {"not a trace file (expected the magic 89 41 52 54 0D 0A 1A 0A)", 0};
  }
  const auto major = load_le<std::uint16_t>(from + at::kMajor);
  if (major != format::kVersionMajor) {
    return {fmt::format("trace format version {}, but this allocreplay reads version {} only",
                        major, format::kVersionMajor),
            at::kMajor};
  }
  const auto features = load_le<std::uint32_t>(from + at::kFeatures);
  if ((features & ~format::kKnownFeatures) != 0) {
    return {fmt::format("the trace needs features {:#x} that this allocreplay does not know",
                        features & ~format::kKnownFeatures),
            at::kFeatures};
  }
  *header_size = load_le<std::uint32_t>(from + at::kHeaderSize);
  if (*header_size < at::kFixedSize || *header_size > at::kMaxSize) {
    return {fmt::format("header size {}, expected {} to {}", *header_size, at::kFixedSize,
                        at::kMaxSize),
            at::kHeaderSize};
  }
  if (load_le<std::uint32_t>(from + at::kMetaSize) > *header_size - at::kFixedSize) {
    return {"the provenance is longer than the header", at::kMetaSize};
  }
  return {};
}

HeaderProblem decode_header(std::span<const unsigned char> bytes, TraceHeader* header,
                            FileLayout* layout) {
  const unsigned char* const from = bytes.data();
  const auto stored = load_le<std::uint32_t>(from + at::kCrc);
  const std::uint32_t computed = crc_of(from, bytes.size());
  if (stored != computed) {
    return {fmt::format("header checksum does not match (stored {:08x}, computed {:08x}); the file "
                        "is damaged and cannot be used",
                        stored, computed),
            at::kCrc};
  }
  header->version_major = load_le<std::uint16_t>(from + at::kMajor);
  header->version_minor = load_le<std::uint16_t>(from + at::kMinor);
  const auto features = load_le<std::uint32_t>(from + at::kFeatures);
  header->has_sites = (features & format::kFeatureSites) != 0;
  header->has_touched = (features & format::kFeatureTouched) != 0;
  header->streamed = (features & format::kFeatureStreamed) != 0;
  header->time_unit_ns = load_le<std::uint32_t>(from + at::kTimeUnitNs);
  header->start_unix_ns = load_le<std::uint64_t>(from + at::kStartUnixNs);
  header->event_count = load_le<std::uint64_t>(from + at::kEventCount);
  header->object_count = load_le<std::uint64_t>(from + at::kObjectCount);
  header->thread_count = load_le<std::uint32_t>(from + at::kThreadCount);
  header->lost_events = load_le<std::uint64_t>(from + at::kLostEvents);
  header->complete = !header->streamed &&
                     (load_le<std::uint32_t>(from + at::kStatus) & format::kStatusComplete) != 0;
  layout->header_size = static_cast<std::uint32_t>(bytes.size());
  layout->index_offset = load_le<std::uint64_t>(from + at::kIndexOffset);
  layout->block_count = load_le<std::uint32_t>(from + at::kBlockCount);
  if (header->time_unit_ns < 1) return {"time unit of 0 ns, expected at least 1", at::kTimeUnitNs};

  const auto meta = bytes.subspan(at::kFixedSize, load_le<std::uint32_t>(from + at::kMetaSize));
  const std::string problem = parse_provenance(
      {reinterpret_cast<const char*>(meta.data()), meta.size()}, &header->provenance);
  if (!problem.empty()) return {problem, at::kFixedSize};
  return {};
}

}  // namespace replay
