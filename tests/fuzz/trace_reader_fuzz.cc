// Any bytes as a trace file, and as a pipe: events that obey the specification or an Error, nothing
// else.
//
// The checksums would stop nearly every mutation at the door, so each input is read twice: as it
// is, and with the CRCs of the header, the block heads and the trailer made right. As zstd content
// checksums cannot be mended in the same way, what is inside of a payload is trace_block_fuzz's
// business.
#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "replay/trace/error.h"
#include "replay/trace/format.h"
#include "replay/trace/little_endian.h"
#include "replay/trace/reader.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/memory_file.h"

namespace replay {
namespace {

using Bytes = std::vector<std::uint8_t>;

void require(bool condition) {
  if (!condition) std::abort();
}

std::uint32_t crc_of(const std::uint8_t* from, std::size_t size) {
  return static_cast<std::uint32_t>(crc32_z(0, from, size));
}

// The trailer is all that is left.
void mend_trailer(std::uint8_t* trailer, std::size_t size) {
  if (size < format::trailer::kFixedSize + format::trailer::kEndSize) return;
  store_le<std::uint32_t>(trailer + format::trailer::kSize, static_cast<std::uint32_t>(size));
  std::uint8_t* const end = trailer + size - format::trailer::kEndSize;
  store_le<std::uint32_t>(end, static_cast<std::uint32_t>(size));
  store_le<std::uint32_t>(end + 4, crc_of(trailer, size - 4));
}

void mend(Bytes* bytes) {
  if (bytes->size() < format::header::kFixedSize) return;
  std::uint8_t* const from = bytes->data();
  const auto header_size = load_le<std::uint32_t>(from + format::header::kHeaderSize);
  if (header_size < format::header::kFixedSize || header_size > bytes->size()) return;
  store_le<std::uint32_t>(from + format::header::kCrc, 0);
  store_le<std::uint32_t>(from + format::header::kCrc, crc_of(from, header_size));
  for (std::size_t at = header_size; bytes->size() - at >= format::block::kHeadSize;) {
    std::uint8_t* const head = from + at;
    if (std::memcmp(head, format::kTrailerMagic.data(), format::kTrailerMagic.size()) == 0) {
      mend_trailer(head, bytes->size() - at);
      return;
    }
    store_le<std::uint32_t>(head + format::block::kCrc, crc_of(head, format::block::kCrc));
    at += format::block::kHeadSize;
    const auto compressed = load_le<std::uint32_t>(head + format::block::kCompressedSize);
    if (compressed > bytes->size() - at) return;
    at += compressed;
  }
}

void read_from(TraceReader* reader) {
  std::uint64_t births = 0;
  std::uint64_t time_ns = 0;
  bool first = true;
  for (auto block = reader->next_block(); !block.empty(); block = reader->next_block()) {
    for (const Event& event : block) {
      require(event.op <= Op::kFree && event.align_log2 < 64 && event.time_ns >= time_ns);
      time_ns = event.time_ns;
      if (is_birth(event.op)) {
        if (!first) require(event.object == births);
        births = event.object + 1;
        first = false;
      } else if (!first) {
        require(event.object < births);
      }
    }
  }
}

void read(const Bytes& bytes, bool allow_truncated) {
  const test::MemoryFile file({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  try {
    TraceReader reader(file.path(), {.allow_truncated = allow_truncated});
    read_from(&reader);
    const std::uint64_t middle = reader.header().event_count / 2;
    require(reader.seek(middle) <= middle || allow_truncated);
    read_from(&reader);
  } catch (const Error&) {
  }
}

// What a pipe holds at least, so that no second thread is needed to fill it.
constexpr std::size_t kPipeBytes = 65536;

void read_pipe(const Bytes& bytes, bool allow_truncated) {
  if (bytes.size() > kPipeBytes) return;
  int ends[2];
  require(pipe2(ends, O_CLOEXEC) == 0);
  require(write(ends[1], bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  close(ends[1]);
  try {
    TraceReader reader("/proc/self/fd/" + std::to_string(ends[0]),
                       {.allow_truncated = allow_truncated});
    reader.seek(reader.header().event_count / 2);
    read_from(&reader);
    require(reader.header().complete || allow_truncated);
  } catch (const Error&) {
  }
  close(ends[0]);
}

}  // namespace
}  // namespace replay

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  replay::Bytes bytes(data, data + size);
  replay::read(bytes, false);
  replay::read(bytes, true);
  replay::read_pipe(bytes, true);
  replay::mend(&bytes);
  replay::read(bytes, true);
  replay::read_pipe(bytes, false);
  return 0;
}
