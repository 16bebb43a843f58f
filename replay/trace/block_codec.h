// Blocks of trace format v1: the 48-byte head, and the events to and from a compressed payload.
//
// Decoding trusts nothing: any bytes give either events that obey the specification or a problem
// in words; memory is bounded by the limits in format.h. Knows nothing of files. Not thread-safe:
// an encoder or decoder holds buffers that it uses again for each block.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "replay/trace/event.h"

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

// Levels of zstd: 9 is where more effort stops paying for these columns, for who writes once and
// keeps; the other is for who reads at once.
inline constexpr int kZstdSmall = 9;
inline constexpr int kZstdFast = -5;

class BlockEncoder {
 public:
  // features: format::kFeatureSites and kFeatureTouched say which further columns there are.
  explicit BlockEncoder(std::uint32_t time_unit_ns, std::uint32_t features = 0,
                        int zstd_level = kZstdSmall);
  ~BlockEncoder();
  BlockEncoder(const BlockEncoder&) = delete;
  BlockEncoder& operator=(const BlockEncoder&) = delete;

  // One block: its 1 to format::block::kMaxEvents valid events, in parts, the more at once the
  // faster; then the block (head and frame), which stays until the next call.
  void begin(std::uint64_t first_event, std::uint64_t objects_before);
  void add(std::span<const Event> events);
  std::span<const unsigned char> end();
  std::size_t events() const { return head_.event_count; }  // added so far
  std::uint64_t first_time() const { return head_.first_time; }

  std::span<const unsigned char> encode(std::span<const Event> events, std::uint64_t first_event,
                                        std::uint64_t objects_before) {
    begin(first_event, objects_before);
    add(events);
    return end();
  }

 private:
  struct Columns;
  void make_room(std::size_t events);
  void lay_out(std::span<const Event> events);
  void lay_out_extras(std::span<const Event> events);
  std::size_t compress(std::size_t raw_size, unsigned char* to, std::size_t capacity);

  std::uint32_t time_unit_ns_;
  std::uint32_t features_;
  std::unique_ptr<Columns> columns_;
  std::vector<unsigned char> block_;
  BlockHead head_;
  std::uint64_t births_ = 0;         // before the next event
  std::uint64_t unit_began_ns_ = 0;  // the unit of the last event's time
  std::uint32_t run_thread_ = 0;     // whose calls the last ones were
  std::uint64_t run_length_ = 0;     // and how many of them
};

class BlockDecoder {
 public:
  explicit BlockDecoder(std::uint32_t time_unit_ns, std::uint32_t features = 0);
  ~BlockDecoder();
  BlockDecoder(BlockDecoder&&) noexcept;
  BlockDecoder& operator=(BlockDecoder&&) noexcept;

  // Returns what is wrong, or "" if events() holds the events now.
  // pre: decode_head accepted `head`; `frame` has head.compressed_size bytes.
  std::string decode(const BlockHead& head, std::span<const unsigned char> frame);

  std::span<const Event> events() const;  // until the next decode()
  std::uint64_t births() const;           // among them
  std::uint32_t threads() const;          // the greatest thread number among them, plus 1

 private:
  struct Buffers;
  std::unique_ptr<Buffers> buffers_;
};

}  // namespace replay
