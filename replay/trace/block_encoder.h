// Events to a block of trace format v1: its head and its compressed payload.
//
// Knows nothing of files. Not thread-safe: an encoder holds buffers that it uses again for each
// block.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "replay/trace/block_head.h"
#include "replay/trace/event.h"

namespace replay {

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

}  // namespace replay
