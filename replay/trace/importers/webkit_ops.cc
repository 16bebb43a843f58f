// WebKit's MallocBench recordings (.ops): records of 24 bytes, little-endian.
//
//     i32 opcode, u16 thread, u16 log2 of the alignment (0xffff: no power of two), u64 slot, u64
//     size
#include <fmt/format.h>

#include <algorithm>

#include "replay/trace/importers/formats.h"
#include "replay/trace/little_endian.h"

namespace replay {
namespace {

enum Opcode : std::uint32_t { kMalloc = 0, kFree = 1, kRealloc = 2, kAlignedMalloc = 3 };
constexpr std::size_t kRecordBytes = 24;
constexpr std::uint16_t kNoPowerOfTwo = 0xffff;

struct Record {
  std::uint32_t opcode;
  std::uint16_t thread;
  std::uint16_t align_log2;
  std::uint64_t slot;
  std::uint64_t size;
};

Record record_at(std::string_view bytes) {
  return {.opcode = load_le<std::uint32_t>(bytes.data()),
          .thread = load_le<std::uint16_t>(bytes.data() + 4),
          .align_log2 = load_le<std::uint16_t>(bytes.data() + 6),
          .slot = load_le<std::uint64_t>(bytes.data() + 8),
          .size = load_le<std::uint64_t>(bytes.data() + 16)};
}

void add(Source& source, CallBuilder& builder, const Record& record) {
  switch (record.opcode) {
    case kMalloc:
      return builder.add_malloc(record.slot, record.size);
    case kFree:
      return builder.add_free(record.slot);
    case kRealloc:
      return builder.add_realloc(record.slot, record.slot, std::max<std::uint64_t>(record.size, 1));
    case kAlignedMalloc:
      if (record.align_log2 == kNoPowerOfTwo) {
        builder.cannot_say("an alignment that is no power of two");
        builder.repaired("unknown_alignments");
        return builder.add_malloc(record.slot, record.size);
      }
      if (record.align_log2 > 63) {
        source.fail(
            fmt::format("2^{} as an alignment, expected 63 at most or 65535", record.align_log2));
      }
      return builder.add_aligned(record.slot, std::uint64_t{1} << record.align_log2, record.size);
    default:
      source.fail(fmt::format("unknown opcode {}, expected 0 to 3", record.opcode));
  }
}

void import(Source& source, CallBuilder& builder) {
  builder.set_names_are_ids();
  builder.cannot_say("which mallocs were callocs");
  while (!source.at_end()) {
    const Record record = record_at(source.take(kRecordBytes, "a record of 24 bytes"));
    builder.thread(record.thread);
    add(source, builder, record);
  }
}

// As there is no magic number: all records of the head are possible ones.
bool recognises(std::string_view head) {
  if (head.size() < Source::kHeadBytes && head.size() % kRecordBytes != 0) return false;
  if (head.size() < kRecordBytes) return false;
  const Record first = record_at(head);
  if (first.size == 0 || first.opcode == kFree || first.opcode == kRealloc) return false;
  for (; head.size() >= kRecordBytes; head.remove_prefix(kRecordBytes)) {
    const Record record = record_at(head);
    const bool alignment_fits = record.align_log2 < 64 || record.align_log2 == kNoPowerOfTwo;
    if (record.opcode > kAlignedMalloc || !alignment_fits || record.slot >> 32 != 0 ||
        record.size >> 40 != 0) {
      return false;
    }
  }
  return true;
}

}  // namespace

const Importer kWebkitOpsImporter{"webkit-ops", "a recording (.ops) of WebKit's MallocBench",
                                  recognises, import};

}  // namespace replay
