// The numbers of trace format v1: offsets, magics and limits, as traces/README.md gives them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace replay::format {

using std::size_t;

inline constexpr std::string_view kFileMagic{
    "\x89"
    "ART\r\n\x1a\n",
    8};
inline constexpr std::string_view kBlockMagic = "ABLK";
inline constexpr std::string_view kSitesMagic = "ASIT";
inline constexpr std::string_view kIndexMagic = "AIDX";
inline constexpr std::string_view kTrailerMagic = "AEND";
inline constexpr std::uint16_t kVersionMajor = 1;
inline constexpr std::uint16_t kVersionMinor = 0;
inline constexpr std::uint32_t kFeatureStreamed = 1;
inline constexpr std::uint32_t kFeatureSites = 2;
inline constexpr std::uint32_t kFeatureTouched = 4;
inline constexpr std::uint32_t kKnownFeatures = kFeatureStreamed | kFeatureSites | kFeatureTouched;
inline constexpr std::uint32_t kStatusComplete = 1;

namespace header {
inline constexpr size_t kMajor = 8;         // u16
inline constexpr size_t kMinor = 10;        // u16
inline constexpr size_t kFeatures = 12;     // u32
inline constexpr size_t kHeaderSize = 16;   // u32
inline constexpr size_t kMetaSize = 20;     // u32
inline constexpr size_t kEventCount = 24;   // u64
inline constexpr size_t kObjectCount = 32;  // u64
inline constexpr size_t kThreadCount = 40;  // u32
inline constexpr size_t kTimeUnitNs = 44;   // u32
inline constexpr size_t kStartUnixNs = 48;  // u64
inline constexpr size_t kIndexOffset = 56;  // u64
inline constexpr size_t kLostEvents = 64;   // u64
inline constexpr size_t kBlockCount = 72;   // u32
inline constexpr size_t kStatus = 76;       // u32
inline constexpr size_t kCrc = 88;          // u32
inline constexpr size_t kFixedSize = 96;
inline constexpr size_t kMaxSize = size_t{1} << 24;
static_assert(kFileMagic.size() == kMajor && kStatus + 4 + 8 == kCrc && kCrc + 8 == kFixedSize);
}  // namespace header

namespace block {
inline constexpr size_t kEventCount = 4;       // u32
inline constexpr size_t kFirstEvent = 8;       // u64
inline constexpr size_t kFirstTime = 16;       // u64
inline constexpr size_t kObjectsBefore = 24;   // u64
inline constexpr size_t kCompressedSize = 32;  // u32
inline constexpr size_t kRawSize = 36;         // u32
inline constexpr size_t kCrc = 44;             // u32
inline constexpr size_t kHeadSize = 48;
inline constexpr std::uint32_t kMaxEvents = 65536;
static_assert(kBlockMagic.size() == kEventCount && kRawSize + 4 + 4 == kCrc);
static_assert(kCrc + 4 == kHeadSize);
}  // namespace block

namespace payload {
enum Column { kOps, kThreads, kSizes, kDistances, kAligns, kTimes, kSites, kTouched };
inline constexpr size_t kPlainColumns = 6;  // of every trace; the rest only with their features
inline constexpr size_t kMaxColumns = 8;
// An event takes at most: op 1, thread 5 + run 3, size 10, distance 10, align 1, time 10; and then
// site 5, touched 5.
inline constexpr size_t kMaxPlainBytes = 40;
inline constexpr size_t kMaxEventBytes = 50;

constexpr bool has_extra_columns(std::uint32_t features) {
  return (features & (kFeatureSites | kFeatureTouched)) != 0;
}
constexpr size_t column_count(std::uint32_t features) {
  return has_extra_columns(features) ? kMaxColumns : kPlainColumns;
}
// After the columns' sizes, a u32 each.
constexpr size_t columns_at(std::uint32_t features) { return 4 * column_count(features); }
constexpr size_t max_raw_size(size_t events, std::uint32_t features = 0) {
  return columns_at(features) +
         (has_extra_columns(features) ? kMaxEventBytes : kMaxPlainBytes) * events;
}
static_assert(columns_at(0) == 24 && columns_at(kFeatureSites) == 32);
constexpr size_t max_compressed_size(size_t raw) { return raw + raw / 128 + 1024; }
}  // namespace payload

namespace sites {
inline constexpr size_t kCompressedSize = 4;  // u32
inline constexpr size_t kRawSize = 8;         // u32
inline constexpr size_t kCrc = 44;            // u32
inline constexpr size_t kHeadSize = 48;
inline constexpr size_t kMinRawSize = 20;  // the counts of five lists, a u32 each
inline constexpr size_t kMaxRawSize = size_t{1} << 28;
inline constexpr size_t kMaxEntries = size_t{1} << 22;  // of each list but the nodes
inline constexpr size_t kMaxNodes = size_t{1} << 25;
static_assert(kHeadSize == block::kHeadSize, "a reader does not know which of them it reads");
}  // namespace sites

namespace index {
inline constexpr size_t kBlockCount = 4;  // u32
inline constexpr size_t kEntriesAt = 8;
inline constexpr size_t kEntrySize = 24;  // u64 offset, u64 first event, u64 first time

constexpr std::uint64_t size(std::uint64_t blocks) { return kEntriesAt + kEntrySize * blocks + 4; }
}  // namespace index

namespace trailer {
inline constexpr size_t kSize = 4;          // u32
inline constexpr size_t kEventCount = 8;    // u64
inline constexpr size_t kObjectCount = 16;  // u64
inline constexpr size_t kLostEvents = 24;   // u64
inline constexpr size_t kThreadCount = 32;  // u32
inline constexpr size_t kMetaSize = 36;     // u32
inline constexpr size_t kFixedSize = 48;
inline constexpr size_t kEndSize = 8;  // u32 the size again, u32 CRC
inline constexpr size_t kMaxSize = header::kMaxSize;
static_assert(kTrailerMagic.size() == kSize && kMetaSize + 4 + 8 == kFixedSize);
static_assert(kFixedSize == block::kHeadSize, "a reader does not know which of them it reads");
}  // namespace trailer

}  // namespace replay::format
