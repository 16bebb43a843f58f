// The trace of chattymalloc: packed records, little-endian.
//
//     [timespec duration of the call, 16 bytes: only some versions]
//     u64 pointer, u64 size, u64 argument, i32 thread, u8 function
//
// `argument` is the count of calloc, the old pointer of realloc, the alignment of the others.
#include <fmt/format.h>

#include <optional>

#include "replay/trace/importers/formats.h"
#include "replay/trace/little_endian.h"

namespace replay {
namespace {

enum Function : unsigned char {
  kUnwritten = 0,
  kMalloc = 1,
  kFree = 2,
  kRealloc = 3,
  kCalloc = 4,
  kMemalign = 5,
  kPosixMemalign = 6,
  kValloc = 7,
  kPvalloc = 8,
  kAlignedAlloc = 9,
  kThreadEnd = 10,
};
constexpr std::size_t kRecordBytes = 29;
constexpr std::size_t kDurationBytes = 16;
constexpr std::uint64_t kPageBytes = 4096;
constexpr std::uint64_t kNsPerS = 1000000000;

struct Record {
  std::uint64_t pointer;
  std::uint64_t size;
  std::uint64_t argument;
  std::uint32_t thread;
  unsigned char function;
};

Record record_at(std::string_view bytes) {
  return {.pointer = load_le<std::uint64_t>(bytes.data()),
          .size = load_le<std::uint64_t>(bytes.data() + 8),
          .argument = load_le<std::uint64_t>(bytes.data() + 16),
          .thread = load_le<std::uint32_t>(bytes.data() + 24),
          .function = static_cast<unsigned char>(bytes[28])};
}

bool is_possible(const Record& record) {
  if (record.function == kUnwritten) return record.thread == 0 && record.pointer == 0;
  return record.function <= kThreadEnd && record.thread != 0 && record.thread >> 31 == 0 &&
         record.pointer >> 56 == 0;
}

// How many bytes stand before the part of a record that all versions have.
std::optional<std::size_t> prefix_of(std::string_view head) {
  const bool whole = head.size() < Source::kHeadBytes;
  for (const std::size_t prefix : {std::size_t{0}, kDurationBytes}) {
    const std::size_t bytes = prefix + kRecordBytes;
    std::string_view rest = head;
    bool fits = rest.size() >= bytes && record_at(rest.substr(prefix)).function != kUnwritten;
    for (; fits && rest.size() >= bytes; rest.remove_prefix(bytes)) {
      fits = is_possible(record_at(rest.substr(prefix))) &&
             (prefix == 0 || load_le<std::uint64_t>(rest.data() + 8) < kNsPerS);
    }
    if (fits && (!whole || rest.empty())) return prefix;
  }
  return std::nullopt;
}

class ChattymallocImport {
 public:
  ChattymallocImport(Source& source, CallBuilder& builder) : source_(source), builder_(builder) {}

  void run() {
    const auto prefix = prefix_of(source_.head());
    if (!prefix) {
      source_.fail_at(0, "expected records of 29 or 45 bytes, as chattymalloc writes them");
    }
    while (!source_.at_end()) {
      add(record_at(source_.take(*prefix + kRecordBytes, "a record").substr(*prefix)));
    }
  }

 private:
  void add(const Record& record) {
    builder_.thread(record.thread);
    switch (record.function) {
      case kUnwritten:  // the program ended before its thread wrote it, or there are no more
      case kThreadEnd:
        return;
      case kMalloc:
        return builder_.add_malloc(record.pointer, record.size);
      case kFree:
        return builder_.add_free(record.pointer);
      case kRealloc:
        return builder_.add_realloc(record.argument, record.pointer, record.size);
      case kCalloc:
        return builder_.add_calloc(record.pointer, record.argument, record.size);
      case kMemalign:
      case kAlignedAlloc:
        return builder_.add_aligned(record.pointer, record.argument, record.size);
      case kPosixMemalign:
        builder_.cannot_say("whether posix_memalign failed");
        return builder_.add_aligned(record.pointer, record.argument, record.size);
      case kValloc:
      case kPvalloc:
        builder_.assumed("valloc and pvalloc align to 4096 bytes");
        return builder_.add_aligned(record.pointer, kPageBytes, record.size);
      default:
        source_.fail(fmt::format("unknown function {}, expected 0 to 10", record.function));
    }
  }

  Source& source_;
  CallBuilder& builder_;
};

bool recognises(std::string_view head) { return prefix_of(head).has_value(); }

void import(Source& source, CallBuilder& builder) { ChattymallocImport(source, builder).run(); }

}  // namespace

const Importer kChattymallocImporter{"chattymalloc", "the trace of chattymalloc", recognises,
                                     import};

}  // namespace replay
