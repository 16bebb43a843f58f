// The compressed payload of a block of trace format v1 to events.
//
// Trusts nothing: any bytes give either events that obey the specification or a problem in words;
// memory is bounded by the limits in format.h. Knows nothing of files. Not thread-safe: a decoder
// holds buffers that it uses again for each block.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "replay/trace/block_head.h"
#include "replay/trace/event.h"

namespace replay {

// So many events in a row are of that thread.
struct ThreadRun {
  std::uint32_t thread = 0;
  std::uint32_t events = 0;
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

  // The same, but for who made the events; of the rest only the checksum is looked at. Several
  // times as fast.
  std::string decode_threads(const BlockHead& head, std::span<const unsigned char> frame);

  // Until the next call of either.
  std::span<const Event> events() const;
  std::span<const ThreadRun> thread_runs() const;  // add up to the head's event_count

  std::uint64_t births() const;   // among the events
  std::uint32_t threads() const;  // the greatest thread number among them, plus 1

 private:
  struct Buffers;
  std::unique_ptr<Buffers> buffers_;
};

}  // namespace replay
