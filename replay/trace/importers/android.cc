// Android's memory_replay text, which malloc_debug's record_allocs writes: "TID: OP PTR ARGS", then
// maybe the bytes that were present, then maybe two time stamps.
#include <fmt/format.h>

#include <algorithm>
#include <array>

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
    builder_.thread(call.thread);
    read_tail(scan, call.op == kFree || call.op == kRealloc);
    add(call, first, size);
  }

  std::uint64_t number(Scanner& scan, std::string_view what) {
    scan.blanks();
    const auto value = scan.decimal();
    if (!value) source_.fail(fmt::format("expected a decimal number, {}", what));
    return *value;
  }

  // Nothing, the start and end of the call, or one number before them or alone.
  void read_tail(Scanner& scan, bool may_tell_presence) {
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
    if (tells_presence) {
      builder_.assumed(
          "one number before the time stamps is how many bytes were present; it is left out");
    }
    if (count >= 2) builder_.time_ns(numbers[count - 2]);
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
