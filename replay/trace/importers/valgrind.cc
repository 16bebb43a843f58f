// valgrind --trace-malloc=yes: lines "--PID-- malloc(24) = 0x4A45040" among others.
//
// A call's result is printed apart from it. So another call may stand between both, and then the
// result follows on a line of its own: "--PID-- realloc(0x4A45040,0)free(0x4A45040)", "--PID--  =
// 0".
#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "replay/trace/importers/allocation_function.h"
#include "replay/trace/importers/formats.h"
#include "replay/trace/importers/scanner.h"

namespace replay {
namespace {

using F = AllocationFunction;

constexpr std::uint32_t kNsPerMs = 1000000;
constexpr std::size_t kMaxPending = 1000;  // calls whose result has not come

struct Prefix {
  std::uint64_t pid = 0;
  std::optional<std::uint64_t> time_ns;  // of --time-stamp=yes
};

struct Call {
  F function = F::kNone;
  std::array<std::uint64_t, 2> args{};
};

// "DAYS:HOURS:MINUTES:SECONDS.MILLISECONDS "
std::optional<std::uint64_t> parse_time_stamp(Scanner* scan) {
  constexpr std::array<std::uint64_t, 4> kMs = {86400000, 3600000, 60000, 1000};
  Scanner stamp(scan->word());
  std::uint64_t ms = 0;
  for (const std::uint64_t unit : kMs) {
    const auto value = stamp.decimal();
    if (!value || *value > 1000000 || !stamp.literal(unit == 1000 ? "." : ":")) return std::nullopt;
    ms += *value * unit;
  }
  const auto rest = stamp.decimal();
  if (!rest || *rest > 999 || !scan->blanks()) return std::nullopt;
  return (ms + *rest) * kNsPerMs;
}

std::optional<Prefix> parse_prefix(Scanner* scan) {
  if (!scan->literal("--")) return std::nullopt;
  Prefix prefix;
  const std::string_view word = Scanner(*scan).word();
  if (word.find(':') != std::string_view::npos) {
    prefix.time_ns = parse_time_stamp(scan);
    if (!prefix.time_ns) return std::nullopt;
  }
  const auto pid = scan->decimal();
  if (!pid || !scan->literal("-- ")) return std::nullopt;
  prefix.pid = *pid;
  return prefix;
}

// "NAME(ARG,ARG)"; an argument is a number, perhaps with "al " or "size " before it.
std::optional<Call> parse_call(Scanner* scan) {
  const std::size_t open = scan->rest().find('(');
  if (open == std::string_view::npos || open == 0) return std::nullopt;
  if (scan->rest().substr(0, open).find_first_of(" \t:=)") != std::string_view::npos) {
    return std::nullopt;
  }
  Call call;
  call.function = allocation_function(scan->until('('));
  Scanner args(scan->until(')'));
  for (std::size_t i = 0; !args.done(); ++i) {
    args.blanks();
    if (!args.literal("al ")) args.literal("size ");
    const auto value = args.number();
    if (!value || !(args.literal(",") || args.done())) return std::nullopt;
    if (i < call.args.size()) call.args[i] = *value;
  }
  return call;
}

class ValgrindImport {
 public:
  ValgrindImport(Source& source, CallBuilder& builder) : source_(source), builder_(builder) {}

  void run() {
    std::string_view line;
    while (source_.next_line(&line)) {
      Scanner scan(line);
      const auto prefix = parse_prefix(&scan);
      if (prefix) read(*prefix, scan);
    }
    if (!pid_) source_.fail("the input ends without a line of --trace-malloc=yes");
    if (!pending_.empty()) builder_.repaired("calls_without_result", pending_.size());
  }

 private:
  void read(const Prefix& prefix, Scanner scan) {
    while (!scan.done()) {
      if (scan.literal(" = ")) {
        const auto value = scan.number();
        if (!value || !of_this_process(prefix)) return;
        end(*value);
      } else {
        const auto call = parse_call(&scan);
        if (!call || !of_this_process(prefix)) return;
        begin(*call);
      }
    }
  }

  // The first process that is seen is the one; the others have addresses of their own.
  bool of_this_process(const Prefix& prefix) {
    if (!pid_) {
      pid_ = prefix.pid;
      builder_.provenance()["pid"] = *pid_;
      if (prefix.time_ns) builder_.set_time_unit_ns(kNsPerMs);
      builder_.set_times_begin_at_zero();
    }
    if (*pid_ != prefix.pid) {
      builder_.repaired("lines_of_other_processes");
      return false;
    }
    if (prefix.time_ns) builder_.time_ns(*prefix.time_ns);
    return true;
  }

  void begin(const Call& call) {
    if (call.function == F::kFree) return builder_.add_free(call.args[0]);
    pending_.push_back(call);
    if (pending_.size() <= kMaxPending) return;
    pending_.erase(pending_.begin());
    builder_.repaired("calls_without_result");
  }

  void end(std::uint64_t result) {
    if (pending_.empty()) return builder_.repaired("results_without_call");
    const Call call = pending_.back();
    pending_.pop_back();
    const auto& [first, second] = call.args;
    switch (call.function) {
      case F::kMalloc:
        return builder_.add_malloc(result, first);
      case F::kCalloc:
        return builder_.add_calloc(result, first, second);
      case F::kMemalign:
        return builder_.add_aligned(result, first, second);
      case F::kNewAligned:
        return builder_.add_aligned(result, second, first);
      case F::kRealloc:
        // Of these two kinds valgrind shows the free or malloc that they are.
        if (first != 0 && second != 0) builder_.add_realloc(first, result, second);
        return;
      default:
        return;  // malloc_usable_size and the like
    }
  }

  Source& source_;
  CallBuilder& builder_;
  std::optional<std::uint64_t> pid_;
  std::vector<Call> pending_;
};

bool recognises(std::string_view head) {
  while (!head.empty()) {
    const std::size_t end = std::min(head.find('\n'), head.size());
    Scanner scan(head.substr(0, end));
    if (parse_prefix(&scan)) {
      const auto call = parse_call(&scan);
      if (call && call->function != F::kNone) return true;
    }
    head.remove_prefix(std::min(end + 1, head.size()));
  }
  return false;
}

void import(Source& source, CallBuilder& builder) { ValgrindImport(source, builder).run(); }

}  // namespace

const Importer kValgrindImporter{"valgrind", "valgrind --trace-malloc=yes", recognises, import};

}  // namespace replay
