// Any bytes as a block's payload: the decoder says what is wrong, or gives events that the encoder
// turns into a block which decodes to the same events.
//
// Input: u16 event count, u8 log2 of objects before (the two top bits: which further columns), u8
// time unit, then the payload.
#include <zstd.h>

#include <cstdlib>
#include <vector>

#include "replay/trace/block_decoder.h"
#include "replay/trace/block_encoder.h"
#include "replay/trace/format.h"
#include "replay/trace/little_endian.h"
#include "tests/fuzz/fuzz_target.h"

namespace replay {
namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

std::vector<unsigned char> frame_of(const std::uint8_t* raw, std::size_t size) {
  std::vector<unsigned char> frame(ZSTD_compressBound(size));
  ZSTD_CCtx* const zstd = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1);
  frame.resize(ZSTD_compress2(zstd, frame.data(), frame.size(), raw, size));
  ZSTD_freeCCtx(zstd);
  return frame;
}

int decode(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kPrefix = 4;
  if (size < kPrefix) return 0;
  const std::uint32_t features =
      (data[2] >> 6) * format::kFeatureSites;  // both bits follow one another
  static_assert(format::kFeatureTouched == 2 * format::kFeatureSites);
  if (size < kPrefix + format::payload::columns_at(features)) return 0;
  const std::uint32_t count = load_le<std::uint16_t>(data) + 1U;
  if (size - kPrefix > format::payload::max_raw_size(count, features)) return 0;
  const std::uint64_t before = (std::uint64_t{1} << (data[2] & 0x3f) % 63) - 1;
  const std::uint32_t unit = data[3] + 1U;

  const auto frame = frame_of(data + kPrefix, size - kPrefix);
  BlockHead head{.event_count = count,
                 .first_event = before,
                 .objects_before = before,
                 .compressed_size = static_cast<std::uint32_t>(frame.size()),
                 .raw_size = static_cast<std::uint32_t>(size - kPrefix)};
  BlockDecoder decoder(unit, features);
  if (!decoder.decode(head, frame).empty()) return 0;
  const std::vector<Event> events(decoder.events().begin(), decoder.events().end());

  BlockEncoder encoder(unit, features);
  const auto block = encoder.encode(events, before, before);
  require(decode_head(block.data(), &head, features).empty());
  require(decoder.decode(head, block.subspan(format::block::kHeadSize)).empty());
  require(std::vector<Event>(decoder.events().begin(), decoder.events().end()) == events);
  return 0;
}

}  // namespace
}  // namespace replay

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return replay::decode(data, size);
}
