// The event chunk (tag 0xe001e001, version 1.1) of Apple's libmalloc_replay, taken out of its
// ktrace file: packed little-endian operations.
//
//     u8 opcode, u8 core, then
//     1 malloc, 6 valloc   u64 address, u32 size
//     2 free               u64 address
//     3 realloc            u64 old, u64 new, u32 size
//     4 memalign           u64 address, u32 alignment, u32 size
//     5 calloc             u64 address, u32 count, u32 size
#include <fmt/format.h>

#include "replay/trace/importers/formats.h"
#include "replay/trace/little_endian.h"

namespace replay {
namespace {

enum Opcode : unsigned char {
  kMalloc = 1,
  kFree = 2,
  kRealloc = 3,
  kMemalign = 4,
  kCalloc = 5,
  kValloc = 6
};
constexpr std::size_t kHeadBytes = 2;
constexpr std::size_t kBodyBytes[] = {0, 12, 8, 20, 16, 16, 12};
constexpr std::uint64_t kPageBytes = 4096;

std::uint64_t u64(std::string_view body, std::size_t at) {
  return load_le<std::uint64_t>(body.data() + at);
}
std::uint32_t u32(std::string_view body, std::size_t at) {
  return load_le<std::uint32_t>(body.data() + at);
}

void add(CallBuilder& builder, unsigned char opcode, std::string_view body) {
  switch (opcode) {
    case kMalloc:
      return builder.add_malloc(u64(body, 0), u32(body, 8));
    case kFree:
      return builder.add_free(u64(body, 0));
    case kRealloc:
      return builder.add_realloc(u64(body, 0), u64(body, 8), u32(body, 16));
    case kMemalign:
      return builder.add_aligned(u64(body, 0), u32(body, 8), u32(body, 12));
    case kCalloc:
      return builder.add_calloc(u64(body, 0), u32(body, 8), u32(body, 12));
    default:
      builder.assumed("valloc aligns to 4096 bytes");
      return builder.add_aligned(u64(body, 0), kPageBytes, u32(body, 8));
  }
}

void import(Source& source, CallBuilder& builder) {
  builder.cannot_say("which thread made a call, only on which processor");
  builder.cannot_say("sizes of 4 GiB and more");
  builder.assumed("each processor is a thread");
  while (!source.at_end()) {
    const std::string_view head = source.take(kHeadBytes, "the head of an operation");
    const auto opcode = static_cast<unsigned char>(head[0]);
    const auto core = static_cast<unsigned char>(head[1]);
    if (opcode < kMalloc || opcode > kValloc) {
      source.fail(fmt::format("unknown opcode {}, expected 1 to 6", opcode));
    }
    builder.thread(core);
    add(builder, opcode, source.take(kBodyBytes[opcode], "an operation"));
  }
}

// As there is no magic number: all operations of the head make sense for macOS, whose blocks are
// multiples of 16 below 2^47.
bool recognises(std::string_view head) {
  const bool whole = head.size() < Source::kHeadBytes;
  std::size_t operations = 0;
  while (head.size() >= kHeadBytes) {
    const auto opcode = static_cast<unsigned char>(head[0]);
    if (opcode < kMalloc || opcode > kValloc) return false;
    const std::size_t bytes = kHeadBytes + kBodyBytes[opcode];
    if (head.size() < bytes) break;
    const std::string_view body = head.substr(kHeadBytes);
    for (std::size_t i = 0; i < (opcode == kRealloc ? 2U : 1U); ++i) {
      const std::uint64_t address = u64(body, 8 * i);
      if (address % 16 != 0 || address >> 47 != 0) return false;
      if (address == 0 && operations == 0) return false;
    }
    head.remove_prefix(bytes);
    ++operations;
  }
  return operations >= 2 && (!whole || head.empty());
}

}  // namespace

const Importer kAppleReplayImporter{"apple-replay", "the event chunk of Apple's libmalloc_replay",
                                    recognises, import};

}  // namespace replay
