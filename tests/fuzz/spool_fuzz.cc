// Any bytes as what a recorded program left in its spool, which it can overwrite: a valid trace
// with its call sites, or an Error, nothing else.
//
// Input: u8 chunks of the image (0 to 7) and, in the upper half, of what was drained; u8 how many
// hundreds of bytes are the image's header; that header; of each chunk the first 256 bytes; the
// rest is the file of call sites.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "replay/record/image.h"
#include "replay/record/merge.h"
#include "replay/record/spool.h"
#include "replay/record/stacks.h"
#include "replay/trace/error.h"
#include "replay/trace/validate.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/memory_file.h"

namespace replay {
namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

class Input {
 public:
  explicit Input(std::string_view bytes) : left_(bytes) {}
  std::size_t byte() {
    const std::string_view byte = take(1);
    return byte.empty() ? 0 : static_cast<unsigned char>(byte[0]);
  }
  std::string_view take(std::size_t size) {
    const std::string_view taken = left_.substr(0, size);
    left_.remove_prefix(taken.size());
    return taken;
  }
  std::string_view rest() const { return left_; }

 private:
  std::string_view left_;
};

std::string padded(std::string_view bytes, std::size_t size) {
  std::string text(bytes.substr(0, size));
  text.resize(size);
  return text;
}

std::string chunks(Input& input, std::size_t count) {
  constexpr std::size_t kBytesOfEach = 256;
  std::string bytes;
  while (count-- > 0) bytes += padded(input.take(kBytesOfEach), spool::kChunkBytes);
  return bytes;
}

template <class Word>
void set_word(std::string& bytes, std::size_t at, Word value) {
  std::memcpy(bytes.data() + at, &value, sizeof(value));
}

void merge(std::string_view bytes) {
  Input input(bytes);
  const std::size_t counts = input.byte();
  const std::size_t header_bytes = 100 * input.byte();
  std::string image = padded(input.take(header_bytes), spool::kHeaderBytes);
  set_word(image, 0, spool::kImageMagic);
  set_word(image, offsetof(spool::ImageHeader, places), std::uint64_t{counts & 7});
  image += chunks(input, counts & 7);
  const test::MemoryFile image_file(image);
  const test::MemoryFile drained_file(chunks(input, counts >> 4 & 7));
  std::string stacks = padded(input.rest(), std::max(input.rest().size(), spool::kHeaderBytes));
  set_word(stacks, 0, spool::kStacksMagic);
  const test::MemoryFile stacks_file(stacks);

  const Image recorded(image_file.path(), drained_file.path());
  const auto streams = recorded.streams();
  const StampClock clock(recorded.header().start, {1'000'000, 1'000'000, 0});
  Validator validator;
  std::vector<std::uint64_t> sites;
  const MergeCounts merged = merge_streams(
      streams, clock, {.from_stamp = recorded.header().dropped_stamp.load()},
      [&](const Event& event) {
        require(event.align_log2 < 64 && validator.feed({&event, 1}));
      },
      &sites);
  require(merged.events == validator.result().events);
  require(merged.events <= count_events(streams) + merged.synthesised_frees);
  read_stacks(stacks_file.path(), sites);
}

}  // namespace
}  // namespace replay

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    replay::merge({reinterpret_cast<const char*>(data), size});
  } catch (const replay::Error&) {
  }
  return 0;
}
