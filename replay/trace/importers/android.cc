// Android's memory_replay text, which malloc_debug's record_allocs writes: "TID: OP PTR ARGS", then
// maybe the bytes that were present, then maybe two time stamps.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "replay/trace/importers/formats.h"
#include "replay/trace/importers/lines.h"
#include "replay/trace/importers/scanner.h"

namespace replay {
namespace {

constexpr std::array<std::string_view, 6> kOps = {"malloc",  "calloc", "memalign",
                                                  "realloc", "free",   "thread_done"};
enum : std::size_t { kMalloc, kCalloc, kMemalign, kRealloc, kFree, kThreadDone };

struct Call {
  std::uint64_t thread = 0;
  std::size_t op = kOps.size();
  std::uint64_t address = 0;
};

// The beginning that all lines have.
bool read_start(Scanner& scan, Call* call) {
  const auto thread = scan.decimal();
  if (!thread || !scan.literal(":")) return false;
  scan.blanks();
  const std::string_view op = scan.word();
  scan.blanks();
  const auto address = scan.address();
  if (!address) return false;
  *call = {.thread = *thread,
           .op = static_cast<std::size_t>(std::find(kOps.begin(), kOps.end(), op) - kOps.begin()),
           .address = *address};
  return call->op != kOps.size();
}

class AndroidImport {
 public:
  AndroidImport(Source& source, CallBuilder& builder) : source_(source), builder_(builder) {}

  void run() {
    if (head_tells_presence()) builder_.set_has_touched();
    for_each_line(source_, builder_, [this](std::string_view line) { read(line); });
  }

 private:
  void read(std::string_view line) {
    Scanner scan(line);
    Call call;
    if (!read_start(scan, &call)) {
      source_.fail(
          "expected 'TID: OP POINTER', with OP one of malloc, calloc, memalign, realloc, free, "
          "thread_done");
    }
    if (call.op == kThreadDone) return;
    std::uint64_t first = 0;
    if (call.op == kRealloc) {
      scan.blanks();
      const auto old = scan.address();
      if (!old) source_.fail("expected the old pointer after the new one");
      first = *old;
    } else if (call.op == kCalloc) {
      first = number(scan, "the number of elements");
    } else if (call.op == kMemalign) {
      first = number(scan, "the alignment");
    }
    const std::uint64_t size = call.op == kFree ? 0 : number(scan, "the size");
    const Tail tail = read_tail(scan, call.op == kFree || call.op == kRealloc);
    builder_.thread(call.thread);
    if (tail.time_ns) builder_.time_ns(*tail.time_ns);
    builder_.touched(tail.touched);
    add(call, first, size);
  }

  // A trace says at its beginning whether it has touched pages. Who writes how much was present
  // does so for every free and realloc, so that shows in the first lines.
  bool head_tells_presence() {
    std::string_view head = source_.head();
    if (head.size() == Source::kHeadBytes) head = head.substr(0, head.rfind('\n'));
    while (!head.empty()) {
      const std::string_view line = head.substr(0, head.find('\n'));
      head.remove_prefix(std::min(head.size(), line.size() + 1));
      Scanner scan(line);
      Call call;
      if (!read_start(scan, &call) || (call.op != kFree && call.op != kRealloc)) continue;
      std::size_t numbers = 0;
      while (scan.blanks() && !scan.word().empty()) ++numbers;
      if (call.op == kRealloc) numbers -= std::min<std::size_t>(numbers, 2);
      if (numbers % 2 == 1) return true;
    }
    return false;
  }

  std::uint64_t number(Scanner& scan, std::string_view what) {
    scan.blanks();
    const auto value = scan.decimal();
    if (!value) source_.fail(fmt::format("expected a decimal number, {}", what));
    return *value;
  }

  struct Tail {
    std::optional<std::uint64_t> time_ns;
    std::uint32_t touched = 0;  // as Event has it
  };

  // Nothing, the start and end of the call, or one number before them or alone.
  Tail read_tail(Scanner& scan, bool may_tell_presence) {
    std::array<std::uint64_t, 3> numbers{};
    std::size_t count = 0;
    bool negative_first = false;
    while (scan.blanks() && !scan.done()) {
      const bool negative = scan.literal("-");
      const auto value = scan.decimal();
      if (!value || count == numbers.size() || (negative && count != 0)) fail_tail();
      negative_first = negative_first || negative;
      numbers[count++] = *value;
    }
    if (!scan.done()) fail_tail();
    const bool tells_presence = count % 2 == 1;
    if ((tells_presence && !may_tell_presence) || (negative_first && !tells_presence)) fail_tail();
    Tail tail;
    if (tells_presence && !negative_first) tail.touched = touched_of(numbers[0]);
    if (count >= 2) tail.time_ns = numbers[count - 2];
    return tail;
  }

  // Of a number of bytes that were present.
  std::uint32_t touched_of(std::uint64_t bytes) {
    if (!builder_.has_touched()) {
      builder_.repaired("present_bytes_left_out");
      return 0;
    }
    builder_.assumed("one number before the time stamps is how many bytes were present");
    const std::uint64_t pages = bytes / kTouchedPageBytes + (bytes % kTouchedPageBytes != 0);
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(pages + 1, UINT32_MAX));
  }

  [[noreturn]] void fail_tail() {
    source_.fail("expected the end of the line or two time stamps, START_NS END_NS");
  }

  void add(const Call& call, std::uint64_t first, std::uint64_t size) {
    switch (call.op) {
      case kMalloc:
        return builder_.add_malloc(call.address, size);
      case kCalloc:
        return builder_.add_calloc(call.address, first, size);
      case kMemalign:
        return builder_.add_aligned(call.address, first, size);
      case kRealloc:
        return builder_.add_realloc(first, call.address, size);
      default:
        return builder_.add_free(call.address);
    }
  }

  Source& source_;
  CallBuilder& builder_;
};

bool recognises(std::string_view head) {
  Scanner scan(head.substr(0, head.find_first_of("\r\n")));
  Call call;
  return read_start(scan, &call);
}

void import(Source& source, CallBuilder& builder) { AndroidImport(source, builder).run(); }

}  // namespace

const Importer kAndroidImporter{
    "android", "Android's memory_replay text, of malloc_debug's record_allocs", recognises, import};

}  // namespace replay
