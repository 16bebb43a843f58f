// What bytehound exports for its replay program: 8-byte words, little-endian.
//
//     first version:  slots, operations, then operations of 4 words
//     now:            slots, then operations of 4 words, then the word 0
//     an operation:   1 malloc, 2 free or 3 realloc; slot; microseconds; size
//                     4 (go down to a frame) or 5 (go up): the stack of the next operation
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "replay/trace/importers/formats.h"
#include "replay/trace/little_endian.h"

namespace replay {
namespace {

enum Kind : std::uint64_t { kEnd = 0, kMalloc = 1, kFree = 2, kRealloc = 3, kDown = 4, kUp = 5 };
constexpr std::size_t kWordBytes = 8;
constexpr std::size_t kOperationBytes = 4 * kWordBytes;
constexpr std::uint64_t kNsPerUs = 1000;

struct Operation {
  std::uint64_t kind;
  std::uint64_t slot;
  std::uint64_t time_us;
  std::uint64_t size;
};

std::uint64_t word(std::string_view bytes, std::size_t index) {
  return load_le<std::uint64_t>(bytes.data() + index * kWordBytes);
}

Operation operation_at(std::string_view bytes) {
  return {word(bytes, 0), word(bytes, 1), word(bytes, 2), word(bytes, 3)};
}

bool is_call(std::uint64_t kind) { return kind >= kMalloc && kind <= kRealloc; }

// The operations of a head that begins with the number of slots, from byte `at`.
bool operations_fit(std::string_view head, std::size_t at, bool may_move) {
  const std::uint64_t slots = word(head, 0);
  for (; head.size() - at >= kOperationBytes; at += kOperationBytes) {
    const Operation operation = operation_at(head.substr(at));
    if (is_call(operation.kind) && operation.slot < slots && operation.size >> 48 == 0) continue;
    if (may_move && (operation.kind == kDown || operation.kind == kUp) && operation.time_us == 0 &&
        operation.size == 0) {
      continue;
    }
    return false;
  }
  return true;
}

enum class Layout { kCounted, kEnded };

std::optional<Layout> layout_of(std::string_view head) {
  const bool whole = head.size() < Source::kHeadBytes;
  if (head.size() < 2 * kWordBytes || word(head, 0) == 0 || word(head, 0) >> 40 != 0) {
    return std::nullopt;
  }
  const std::uint64_t room = (head.size() - 2 * kWordBytes) / kOperationBytes;
  if (room == 0 || (whole && head.size() % kOperationBytes != 2 * kWordBytes)) return std::nullopt;
  // The count may be too large, as that of a filtered export is.
  if (word(head, 1) >= room && operations_fit(head, 2 * kWordBytes, false)) {
    return Layout::kCounted;
  }
  const bool ends = !whole || word(head, head.size() / kWordBytes - 1) == kEnd;
  if (ends && operations_fit(head, kWordBytes, true)) return Layout::kEnded;
  return std::nullopt;
}

class BytehoundImport {
 public:
  BytehoundImport(Source& source, CallBuilder& builder) : source_(source), builder_(builder) {}

  void run() {
    const auto layout = layout_of(source_.head());
    if (!layout) {
      source_.fail_at(0,
                      "expected the number of slots, then operations of 32 bytes, as bytehound "
                      "exports them for replay");
    }
    builder_.set_names_are_ids();
    builder_.set_time_unit_ns(kNsPerUs);
    builder_.cannot_say("which mallocs were callocs or aligned");
    slots_ = word(source_.take(kWordBytes, "the number of slots"), 0);
    if (*layout == Layout::kCounted) {
      read_counted();
    } else {
      read_ended();
    }
  }

 private:
  void read_counted() {
    const std::uint64_t count = word(source_.take(kWordBytes, "the number of operations"), 0);
    std::uint64_t done = 0;
    for (; done < count && !source_.at_end(); ++done) {
      const Operation operation = operation_at(source_.take(kOperationBytes, "an operation"));
      if (!is_call(operation.kind)) fail_kind(operation.kind, "1 to 3");
      add(operation);
    }
    if (done < count) {
      builder_.assumed(
          "operations that the count promises and that are not there were filtered "
          "out by bytehound");
    }
    if (!source_.at_end()) {
      source_.fail_at(source_.offset(), fmt::format("expected the end after {} operations", count));
    }
  }

  void read_ended() {
    for (;;) {
      const std::uint64_t kind = word(source_.take(kWordBytes, "the kind of an operation"), 0);
      if (kind == kEnd) return;
      if (kind > kUp) fail_kind(kind, "0 to 5");
      const std::string_view rest = source_.take(3 * kWordBytes, "an operation");
      if (is_call(kind)) add({kind, word(rest, 0), word(rest, 1), word(rest, 2)});
    }
  }

  [[noreturn]] void fail_kind(std::uint64_t kind, std::string_view expected) {
    source_.fail(fmt::format("unknown kind {} of an operation, expected {}", kind, expected));
  }

  void add(const Operation& operation) {
    if (operation.slot >= slots_) {
      source_.fail(fmt::format("slot {} of {}", operation.slot, slots_));
    }
    std::uint64_t time_ns = 0;
    if (__builtin_mul_overflow(operation.time_us, kNsPerUs, &time_ns)) {
      source_.fail("a time that does not fit 64 bits as nanoseconds");
    }
    builder_.time_ns(time_ns);
    if (operation.kind == kMalloc) return builder_.add_malloc(operation.slot, operation.size);
    if (operation.kind == kFree) return builder_.add_free(operation.slot);
    builder_.add_realloc(operation.slot, operation.slot,
                         std::max<std::uint64_t>(operation.size, 1));
  }

  Source& source_;
  CallBuilder& builder_;
  std::uint64_t slots_ = 0;
};

bool recognises(std::string_view head) { return layout_of(head).has_value(); }

void import(Source& source, CallBuilder& builder) { BytehoundImport(source, builder).run(); }

}  // namespace

const Importer kBytehoundImporter{"bytehound", "what bytehound exports for its replay program",
                                  recognises, import};

}  // namespace replay
