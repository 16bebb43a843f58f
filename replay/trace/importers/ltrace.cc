// ltrace, with -f, -t, -tt, -ttt, -r, -i, -T, -C and -o as wished:
//
//     [pid 7] 1700000000.123456 [0x401136] program->malloc(24)  = 0x55d5a79952a0 <0.000117>
//     7 program->free(0x55d5a79952a0 <unfinished ...>
//     7 <... free resumed> )                                    = <void>
//
// A call that the same thread makes within operator new and the like is the library's own, and
// left out. "<no return ...>" is what ltrace writes where it lost track; mostly the end comes.
#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <unordered_map>
#include <vector>

#include "replay/trace/importers/allocation_function.h"
#include "replay/trace/importers/formats.h"
#include "replay/trace/importers/scanner.h"

namespace replay {
namespace {

using F = AllocationFunction;

constexpr std::uint64_t kNsPerSecond = 1000000000;
constexpr std::uint64_t kNsPerDay = 86400 * kNsPerSecond;
constexpr std::uint64_t kPageBytes = 4096;
// -ttt counts from 1970, -r from the line before: nobody's calls are three years apart.
constexpr std::uint64_t kLeastUnixSeconds = 100000000;
constexpr std::size_t kMaxNesting = 100;

enum class Clock { kNone, kOfDay, kUnix, kSinceLast };

struct Time {
  Clock clock = Clock::kNone;
  std::uint64_t ns = 0;
};

struct Line {
  std::uint64_t pid = 0;
  bool has_pid = false;
  Time time;
  F function = F::kNone;
  bool begins = false;
  bool ends = false;
  bool may_nest = false;
  std::string_view args;  // those that stand on this line
  std::uint64_t result = 0;
};

std::optional<std::uint64_t> parse_fraction(Scanner* scan) {
  if (!scan->literal(".")) return 0;
  const std::string_view before = scan->rest();
  const auto value = scan->decimal();
  std::size_t digits = before.size() - scan->rest().size();
  if (!value || digits > 9) return std::nullopt;
  std::uint64_t ns = *value;
  for (; digits < 9; ++digits) ns *= 10;
  return ns;
}

// "12:34:56", "12:34:56.123456", "1700000000.123456" or "  0.000123", and blanks after it.
std::optional<Time> parse_time(Scanner* scan) {
  Scanner ahead = *scan;
  const auto first = ahead.decimal();
  if (!first) return std::nullopt;
  Time time;
  std::uint64_t seconds = *first;
  if (ahead.literal(":")) {
    const auto minutes = ahead.decimal();
    if (!minutes || !ahead.literal(":")) return std::nullopt;
    const auto rest = ahead.decimal();
    if (!rest || *first > 23 || *minutes > 59 || *rest > 60) return std::nullopt;
    seconds = (*first * 60 + *minutes) * 60 + *rest;
    time.clock = Clock::kOfDay;
  } else if (!ahead.rest().starts_with('.')) {
    return std::nullopt;
  } else {
    time.clock = *first < kLeastUnixSeconds ? Clock::kSinceLast : Clock::kUnix;
  }
  const auto fraction = parse_fraction(&ahead);
  if (!fraction || !ahead.blanks() || seconds > UINT64_MAX / kNsPerSecond - 1) return std::nullopt;
  time.ns = seconds * kNsPerSecond + *fraction;
  *scan = ahead;
  return time;
}

void parse_pid(Scanner* scan, Line* line) {
  Scanner ahead = *scan;
  const bool bracket = ahead.literal("[pid ");
  const auto pid = ahead.decimal();
  if (!pid || (bracket && !ahead.literal("]")) || !ahead.blanks()) return;
  line->pid = *pid;
  line->has_pid = true;
  *scan = ahead;
}

// "NAME(" with "LIBRARY->" before it, past the bracket. Demangled names have brackets of their own.
F parse_function(Scanner* scan, bool* may_nest) {
  std::string_view rest = scan->rest();
  std::size_t open = rest.find('(');
  if (open == std::string_view::npos) return F::kNone;
  const std::size_t arrow = rest.substr(0, open).rfind("->");
  const std::size_t begin = arrow == std::string_view::npos ? 0 : arrow + 2;
  if (rest.substr(begin).starts_with("operator ")) {
    const std::size_t close = rest.find(')', open);
    if (close == std::string_view::npos) return F::kNone;
    open = rest.find('(', close);
    if (open == std::string_view::npos) return F::kNone;
  }
  scan->literal(rest.substr(0, open + 1));
  const std::string_view name = rest.substr(begin, open - begin);
  *may_nest = name != "malloc" && name != "calloc" && name != "realloc" && name != "free";
  return allocation_function(name);
}

// ") = 0x1234", ") = <void>", and " <0.000123>" after it or nothing.
bool parse_result(Scanner* scan, Line* line) {
  if (!scan->literal(")")) return false;
  if (!scan->blanks() || !scan->literal("= ")) return false;
  if (const auto value = scan->number()) {
    line->result = *value;
    return scan->done() || scan->blanks();
  }
  return scan->literal("<void>") || scan->literal("nil") || scan->literal("-1");
}

// What is no call of malloc's family has kNone.
Line parse(std::string_view text) {
  Line line;
  Scanner scan(text);
  parse_pid(&scan, &line);
  scan.blanks();
  if (const auto time = parse_time(&scan)) line.time = *time;
  if (scan.literal("[0x")) {
    scan.until(']');
    scan.blanks();
  }
  F function = F::kNone;
  if (scan.literal("<... ")) {
    const std::size_t end = scan.rest().find(" resumed> ");
    if (end == std::string_view::npos) return line;
    function = allocation_function(scan.rest().substr(0, end));
    scan.literal(scan.rest().substr(0, end + std::string_view(" resumed> ").size()));
  } else {
    line.begins = true;
    function = parse_function(&scan, &line.may_nest);
  }
  if (function == F::kNone) return line;
  const std::size_t args_end = scan.rest().find_first_of("<)");
  if (args_end == std::string_view::npos) return line;
  line.args = scan.rest().substr(0, args_end);
  scan.literal(line.args);
  if (!scan.literal("<unfinished ...>") && !scan.literal("<no return ...>")) {
    line.ends = true;
    if (!parse_result(&scan, &line)) return line;
  } else if (!line.begins) {
    return line;
  }
  line.function = function;
  return line;
}

struct Call {
  F function = F::kNone;
  std::array<std::uint64_t, 4> args{};
  std::size_t arg_count = 0;
  bool unreadable = false;
  bool may_nest = false;  // calls of its thread before its end are its own

  // "24, 0x1234" or the beginning or the rest of such.
  void take_args(std::string_view text) {
    Scanner scan(text);
    for (scan.blanks(); !scan.done(); scan.blanks()) {
      const bool negative = scan.literal("-");
      const auto value = scan.number();
      if (!value) {
        unreadable = true;
        return;
      }
      if (arg_count < args.size()) args[arg_count++] = negative ? 0 - *value : *value;
      scan.literal(",");
    }
  }
};

class LtraceImport {
 public:
  LtraceImport(Source& source, CallBuilder& builder) : source_(source), builder_(builder) {}

  void run() {
    std::string_view text;
    std::uint64_t calls = 0;
    while (source_.next_line(&text)) {
      const Line line = parse(text);
      // The times of -r add up over all lines.
      keep_time(line.time);
      if (line.function == F::kNone) continue;
      ++calls;
      if (line.has_pid) builder_.thread(line.pid);
      take(line);
    }
    if (calls == 0) source_.fail("the input ends without a call of malloc or its like");
    std::uint64_t open = 0;
    for (const auto& [pid, nested] : open_) open += nested.size();
    if (open != 0) builder_.repaired("calls_without_end", open);
    builder_.cannot_say("calls made inside libraries, unless ltrace was told to show them");
  }

 private:
  void keep_time(const Time& time) {
    if (time.clock == Clock::kNone) return;
    if (time.clock == Clock::kUnix) {
      if (!timed_) builder_.set_times_are_unix();
      now_ns_ = time.ns;
    } else if (time.clock == Clock::kSinceLast) {
      now_ns_ += std::min(time.ns, UINT64_MAX - now_ns_);
    } else {
      // Back by half a day or more: midnight.
      if (timed_ && time.ns + kNsPerDay / 2 < last_of_day_ns_) days_ns_ += kNsPerDay;
      last_of_day_ns_ = time.ns;
      now_ns_ = days_ns_ + time.ns;
    }
    timed_ = true;
    builder_.time_ns(now_ns_);
  }

  void take(const Line& line) {
    std::vector<Call>& nested = open_[line.pid];
    if (line.begins) {
      drop_unended(&nested);
      Call call;
      call.function = line.function;
      call.may_nest = line.may_nest;
      call.take_args(line.args);
      if (!line.ends) {
        // Memory is free when free() begins.
        if (nested.empty() && call.function == F::kFree) add(call, 0);
        nested.push_back(call);
        if (nested.size() > kMaxNesting)
          source_.fail("calls that never end, a hundred in a thread");
      } else if (nested.empty()) {
        add(call, line.result);
      }
      return;
    }
    if (nested.empty() || nested.back().function != line.function) {
      return builder_.repaired("ends_without_begin");
    }
    Call call = nested.back();
    nested.pop_back();
    call.take_args(line.args);
    if (nested.empty() && call.function != F::kFree) add(call, line.result);
  }

  // A thread that makes another call has come back from this one, though no line says so.
  void drop_unended(std::vector<Call>* nested) {
    while (!nested->empty() && !nested->back().may_nest) {
      if (nested->back().function != F::kFree) builder_.repaired("calls_without_end");
      nested->pop_back();
    }
  }

  void add(const Call& call, std::uint64_t result) {
    if (call.unreadable || call.arg_count == 0) return builder_.repaired("unreadable_calls");
    const auto& a = call.args;
    switch (call.function) {
      case F::kNone:
        return;
      case F::kMalloc:
        return builder_.add_malloc(result, a[0]);
      case F::kCalloc:
        return builder_.add_calloc(result, a[0], a[1]);
      case F::kRealloc:
        return builder_.add_realloc(a[0], result, a[1]);
      case F::kReallocArray:
        return add_reallocarray(a[0], result, a[1], a[2]);
      case F::kMemalign:
        return builder_.add_aligned(result, a[0], a[1]);
      case F::kNewAligned:
        return builder_.add_aligned(result, a[1], a[0]);
      case F::kPosixMemalign:
        return add_posix_memalign(call, result);
      case F::kValloc:
        return builder_.add_aligned(result, kPageBytes, a[0]);
      case F::kPvalloc:
        return builder_.add_aligned(result, kPageBytes, a[0]);
      case F::kFree:
        return builder_.add_free(a[0]);
    }
  }

  void add_reallocarray(std::uint64_t block, std::uint64_t result, std::uint64_t count,
                        std::uint64_t size) {
    std::uint64_t total = 0;
    if (__builtin_mul_overflow(count, size, &total)) return builder_.repaired("failed_calls");
    builder_.add_realloc(block, result, total);
  }

  // Without a prototype ltrace shows four words, and nowhere the block. With the one of README.md
  // it shows three, the first of which is the block.
  void add_posix_memalign(const Call& call, std::uint64_t result) {
    if (result != 0) return builder_.repaired("failed_calls");
    if (call.arg_count != 3) {
      builder_.cannot_say("what posix_memalign returned, unless ltrace knows its prototype");
      return builder_.lost(1);
    }
    builder_.add_aligned(call.args[0], call.args[1], call.args[2]);
  }

  Source& source_;
  CallBuilder& builder_;
  std::unordered_map<std::uint64_t, std::vector<Call>> open_;  // by thread
  bool timed_ = false;
  std::uint64_t now_ns_ = 0;
  std::uint64_t days_ns_ = 0;
  std::uint64_t last_of_day_ns_ = 0;
};

bool recognises(std::string_view head) {
  while (!head.empty()) {
    const std::size_t end = std::min(head.find('\n'), head.size());
    if (parse(head.substr(0, end)).function != F::kNone) return true;
    head.remove_prefix(std::min(end + 1, head.size()));
  }
  return false;
}

void import(Source& source, CallBuilder& builder) { LtraceImport(source, builder).run(); }

}  // namespace

const Importer kLtraceImporter{"ltrace", "ltrace, any of its layouts", recognises, import};

}  // namespace replay
