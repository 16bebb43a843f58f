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
