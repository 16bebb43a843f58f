// The trace that glibc's dj/malloc branch writes: an array of records in the
// byte order and with the word size of the recorded program.
//
//     64-bit:  i32 thread, u32 type in the low byte, then 8-byte words: ptr1
//     ptr2 size size2 size3
//     - - 32-bit:  the same with 4-byte words the earliest version: thread,
//     type, then 8-byte words: ptr1 ptr2 size
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "replay/trace/importers/formats.h"
#include "replay/trace/little_endian.h"

namespace replay {
namespace {

enum Type : unsigned char {
  kUnused = 0,
  kMalloc = 1,
  kCalloc = 2,
  kFree = 3,
  kRealloc = 4,
  kMemalign = 5,
  kValloc = 6,
  kPvalloc = 7,
  kPosixMemalign = 8,
  kMagic = 255,
};
constexpr std::uint32_t kReallocCalledMalloc = std::uint32_t{1} << 14;
constexpr std::uint64_t kMagicPointer = 0x1234;
constexpr std::uint64_t kPageBytes = 4096;

struct Layout {
  std::size_t record_bytes;
  std::size_t word_bytes;
  std::size_t words;
};
constexpr Layout kWide{64, 8, 7};
constexpr Layout kNarrow{36, 4, 7};
constexpr Layout kEarly{32, 8, 3};

struct Record {
  std::uint32_t thread = 0;
  std::uint32_t flags = 0;
  std::uint64_t words[7] = {};

  unsigned type() const { return flags & 0xff; }
  std::uint64_t ptr1() const { return words[0]; }
  std::uint64_t ptr2() const { return words[1]; }
  std::uint64_t size() const { return words[2]; }
  std::uint64_t alignment() const { return words[3]; }
};

Record record_at(std::string_view bytes, const Layout& layout) {
  Record record;
  record.thread = load_le<std::uint32_t>(bytes.data());
  record.flags = load_le<std::uint32_t>(bytes.data() + 4);
  for (std::size_t i = 0; i < layout.words; ++i) {
    const char* const at = bytes.data() + 8 + i * layout.word_bytes;
    record.words[i] =
        layout.word_bytes == 8 ? load_le<std::uint64_t>(at) : load_le<std::uint32_t>(at);
  }
  return record;
}

bool begins_with_magic(std::string_view head, const Layout& layout) {
  if (head.size() < layout.record_bytes) return false;
  const Record record = record_at(head, layout);
  return record.type() == kMagic && record.ptr1() == kMagicPointer &&
         record.size() == layout.word_bytes;
}

// The types of all records are known, and what is unused is zero.
bool fits(std::string_view head, const Layout& layout) {
  if (head.size() < layout.record_bytes) return false;
  for (; head.size() >= layout.record_bytes; head.remove_prefix(layout.record_bytes)) {
    const Record record = record_at(head, layout);
    if (record.type() > kPosixMemalign && record.type() != kMagic) return false;
    if (record.words[5] != 0 || record.words[6] != 0) return false;
  }
  return true;
}

std::optional<Layout> layout_of(std::string_view head) {
  for (const Layout& layout : {kWide, kNarrow}) {
    if (begins_with_magic(head, layout) && fits(head, layout)) return layout;
  }
  if (fits(head, kEarly)) return kEarly;
  return std::nullopt;
}

class DjTraceImport {
 public:
  DjTraceImport(Source& source, CallBuilder& builder) : source_(source), builder_(builder) {}

  void run() {
    const auto layout = layout_of(source_.head());
    if (!layout) {
      source_.fail_at(0,
                      "expected records of 64, 36 or 32 bytes, as glibc's "
                      "dj/malloc writes them");
    }
    if (layout->word_bytes == kNarrow.word_bytes) {
      builder_.assumed("records of 36 bytes are those of a 32-bit program");
    }
    if (layout->words == kEarly.words) builder_.cannot_say("the alignment of memalign");
    while (!source_.at_end()) {
      add(record_at(source_.take(layout->record_bytes, "a record"), *layout));
    }
  }

 private:
  // The calls that realloc made of malloc and free come as records of their
  // own, after its own.
  struct InnerCalls {
    std::uint64_t born = 0;
    std::uint64_t freed = 0;
  };

  void add(const Record& record) {
    if (record.type() == kUnused || record.type() == kMagic) return;
    if (is_inner(record)) return builder_.repaired("calls_within_realloc");
    builder_.thread(record.thread);
    switch (record.type()) {
      case kMalloc:
        return builder_.add_malloc(record.ptr2(), record.size());
      case kCalloc:
        return builder_.add_calloc(record.ptr2(), record.size());
      case kFree:
        return builder_.add_free(record.ptr1());
      case kRealloc:
        if ((record.flags & kReallocCalledMalloc) != 0) {
          inner_calls_[record.thread] = {record.ptr2(), record.ptr1()};
        }
        return builder_.add_realloc(record.ptr1(), record.ptr2(), record.size());
      case kMemalign:
        return builder_.add_aligned(record.ptr2(), record.alignment(), record.size());
      case kValloc:
      case kPvalloc:
        builder_.assumed("valloc and pvalloc align to 4096 bytes");
        return builder_.add_aligned(record.ptr2(), kPageBytes, record.size());
      case kPosixMemalign:  // ptr1 is what it returned
        return builder_.add_aligned(record.ptr1() == 0 ? record.ptr2() : 0, record.alignment(),
                                    record.size());
      default:
        source_.fail(fmt::format(
            "unknown type {} of a record, expected 0 to 8, or 255 at the start", record.type()));
    }
  }

  bool is_inner(const Record& record) {
    const auto found = inner_calls_.find(record.thread);
    if (found == inner_calls_.end()) return false;
    const InnerCalls& inner = found->second;
    const bool is = (record.type() == kMalloc && record.ptr2() == inner.born) ||
                    (record.type() == kFree && record.ptr1() == inner.freed);
    if (!is) inner_calls_.erase(found);
    return is;
  }

  Source& source_;
  CallBuilder& builder_;
  std::unordered_map<std::uint32_t, InnerCalls> inner_calls_;
};

bool recognises(std::string_view head) {
  return begins_with_magic(head, kWide) || begins_with_magic(head, kNarrow);
}

void import(Source& source, CallBuilder& builder) { DjTraceImport(source, builder).run(); }

}  // namespace

const Importer kDjTraceImporter{"dj-trace", "the malloc trace of glibc's dj/malloc branch",
                                recognises, import};

}  // namespace replay
