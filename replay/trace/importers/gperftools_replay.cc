// What the postprocess program of malloc-trace-replay makes of a gperftools trace, for its replay
// program: instructions of 24 bytes, little-endian.
//
//     u8 type, 7 bytes of register number, then two words
//     0 malloc: size      1 free         2 sized free: size      3 memalign: size, alignment
//     4 realloc: the new register, the new size                  5 switch to a thread: its number
//     6 the thread ends   7 time: nanoseconds, processor
#include <fmt/format.h>

#include <algorithm>

#include "replay/trace/importers/formats.h"
#include "replay/trace/little_endian.h"

namespace replay {
namespace {

enum Type : std::uint64_t {
  kMalloc = 0,
  kFree = 1,
  kSizedFree = 2,
  kMemalign = 3,
  kRealloc = 4,
  kSwitchThread = 5,
  kKillThread = 6,
  kTime = 7
};
constexpr std::size_t kInstructionBytes = 24;

struct Instruction {
  std::uint64_t type;
  std::uint64_t block;
  std::uint64_t first;
  std::uint64_t second;
};

Instruction instruction_at(std::string_view bytes) {
  const auto start = load_le<std::uint64_t>(bytes.data());
  return {.type = start & 0xff,
          .block = start >> 8,
          .first = load_le<std::uint64_t>(bytes.data() + 8),
          .second = load_le<std::uint64_t>(bytes.data() + 16)};
}

void add(Source& source, CallBuilder& builder, const Instruction& instruction) {
  switch (instruction.type) {
    case kMalloc:
      return builder.add_malloc(instruction.block, instruction.first);
    case kFree:
    case kSizedFree:
      return builder.add_free(instruction.block);
    case kMemalign:
      return builder.add_aligned(instruction.block, instruction.second, instruction.first);
    case kRealloc:
      return builder.add_realloc(instruction.block, instruction.first,
                                 std::max<std::uint64_t>(instruction.second, 1));
    case kSwitchThread:
      return builder.thread(instruction.first);
    case kKillThread:
      return;
    case kTime:
      return builder.time_ns(instruction.first);
    default:
      source.fail(
          fmt::format("unknown type {} of an instruction, expected 0 to 7", instruction.type));
  }
}

void import(Source& source, CallBuilder& builder) {
  builder.set_names_are_ids();
  builder.cannot_say("sizes to the byte: they are rounded up to a multiple of 8");
  builder.cannot_say("which mallocs were callocs");
  builder.cannot_say("which blocks were live at the end: postprocess frees them all");
  while (!source.at_end()) {
    add(source, builder,
        instruction_at(source.take(kInstructionBytes, "an instruction of 24 bytes")));
  }
}

// As there is no magic number: the first instruction switches to a thread, as it always does, and
// all of the head are possible ones.
bool recognises(std::string_view head) {
  if (head.size() < Source::kHeadBytes && head.size() % kInstructionBytes != 0) return false;
  if (head.size() < 2 * kInstructionBytes) return false;
  if (instruction_at(head).type != kSwitchThread) return false;
  for (; head.size() >= kInstructionBytes; head.remove_prefix(kInstructionBytes)) {
    const Instruction instruction = instruction_at(head);
    const bool has_block = instruction.type < kSwitchThread;
    if (instruction.type > kTime || instruction.block >> 32 != 0 ||
        (!has_block && instruction.block != 0)) {
      return false;
    }
  }
  return true;
}

}  // namespace

const Importer kGperftoolsReplayImporter{
    "gperftools-replay", "a postprocessed malloc trace of gperftools, for its replay", recognises,
    import};

}  // namespace replay
