// A compact memory trace, which trace2cmt writes: three numbers a call, or two where the size is 0.
//
//     size, distance, and unless size is 0 the increment of the newest tag
//
// A number has 7 bits a byte, the least significant group first; bit 7 marks its last byte. Each
// birth has a tag, counted from 1. A distance d that is not 0 means the block with the tag
// newest + 1 - d: one that is freed (size 0) or resized. A resized block gets a new tag.
#include <fmt/format.h>

#include "replay/trace/importers/formats.h"

namespace replay {
namespace {

constexpr unsigned kMaxBits = 56;

// Moves past a number. False if it is cut short or has more than kMaxBits.
bool take_number(std::string_view* bytes, std::uint64_t* value) {
  *value = 0;
  for (unsigned shift = 0; shift < kMaxBits && !bytes->empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes->front());
    bytes->remove_prefix(1);
    *value |= std::uint64_t{byte & 0x7fU} << shift;
    if ((byte & 0x80) != 0) return true;
  }
  return false;
}

class CmtImport {
 public:
  CmtImport(Source& source, CallBuilder& builder) : source_(source), builder_(builder) {}

  void run() {
    builder_.cannot_say("which mallocs were callocs or aligned");
    builder_.cannot_say("sizes of 4 GiB and more");
    while (!source_.at_end()) read_call();
  }

 private:
  std::uint64_t number(std::string_view what) {
    const std::uint64_t start = source_.offset();
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < kMaxBits; shift += 7) {
      const auto byte = static_cast<unsigned char>(source_.take(1, what).front());
      value |= std::uint64_t{byte & 0x7fU} << shift;
      if ((byte & 0x80) != 0) return value;
    }
    source_.fail_at(start, fmt::format("expected {}, a number of at most {} bits", what, kMaxBits));
  }

  void read_call() {
    const std::uint64_t start = source_.offset();
    const std::uint64_t size = number("a size");
    const std::uint64_t distance = number("a distance");
    if (distance > newest_) {
      source_.fail_at(start,
                      fmt::format("a block {} births back, after {} births", distance, newest_));
    }
    const std::uint64_t old_tag = newest_ + 1 - distance;
    if (size == 0) {
      if (distance == 0) source_.fail_at(start, "a call with neither a size nor a block");
      return builder_.add_free(old_tag);
    }
    const std::uint64_t increment = number("an increment of the tag");
    if (increment == 0) source_.fail_at(start, "a birth without a new tag");
    newest_ += increment;
    if (newest_ >> 60 != 0) source_.fail_at(start, "a tag of more than 60 bits");
    if (distance == 0) return builder_.add_malloc(newest_, size);
    builder_.add_realloc(old_tag, newest_, size);
  }

  Source& source_;
  CallBuilder& builder_;
  std::uint64_t newest_ = 0;
};

// As there is no magic number: all calls of the head make sense, and tags count by one.
bool recognises(std::string_view head) {
  const bool whole = head.size() < Source::kHeadBytes;
  std::uint64_t births = 0;
  while (!head.empty()) {
    std::uint64_t size = 0;
    std::uint64_t distance = 0;
    std::uint64_t increment = 0;
    const bool read = take_number(&head, &size) && take_number(&head, &distance) &&
                      (size == 0 || take_number(&head, &increment));
    if (!read) return !whole && head.empty();
    if (distance > births || (size == 0 && distance == 0)) return false;
    if (size != 0 && increment != 1) return false;
    if (size != 0) ++births;
  }
  return births != 0;
}

void import(Source& source, CallBuilder& builder) { CmtImport(source, builder).run(); }

}  // namespace

const Importer kCmtImporter{"cmt", "a compact memory trace, of trace2cmt", recognises, import};

}  // namespace replay
