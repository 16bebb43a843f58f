#include "replay/engine/callgrind.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "replay/engine/counted_calls.h"
#include "replay/trace/error.h"

namespace replay {
namespace {

constexpr std::string_view kInstructionEvent = "Ir";
constexpr std::string_view kSystemCallEvent = "sysCount";

// Takes the text before the next `separator` off the front of `rest`.
std::string_view take(std::string_view& rest, char separator) {
  const std::size_t end = rest.find(separator);
  const std::string_view taken = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return taken;
}

bool skip(std::string_view& line, std::string_view prefix) {
  if (!line.starts_with(prefix)) return false;
  line.remove_prefix(prefix.size());
  return true;
}

// The format is documented in valgrind's manual, "Callgrind Format Specification". A line of costs
// is a position and one number an event, zeros at the end left out; the line behind "calls=" holds
// what those calls cost with all that they called.
class Profile {
 public:
  explicit Profile(std::string_view text) : rest_(text) {}

  InstructionCount read() {
    std::string_view callee;
    bool whole = false;
    while (!rest_.empty()) {
      ++line_number_;
      std::string_view line = take(rest_, '\n');
      if (skip(line, "events: ")) {
        read_events(line);
      } else if (skip(line, "cfn=")) {
        callee = line;
      } else if (skip(line, "calls=")) {
        read_calls(line, callee);
        callee = {};
      } else if (line.starts_with("totals: ")) {
        whole = true;
      }
    }
    if (!whole) fail("has no line of totals; the worker did not run to its end");
    if (!count_.system_calls) {
      fail(fmt::format("does not know {}; is allocreplay-worker stripped?", kCountedPart));
    }
    return count_;
  }

 private:
  void read_events(std::string_view names) {
    for (int column = 0; !names.empty(); ++column) {
      const std::string_view name = take(names, ' ');
      if (name == kInstructionEvent) instruction_column_ = column;
      if (name == kSystemCallEvent) system_call_column_ = column;
    }
    if (instruction_column_ < 0 || system_call_column_ < 0) {
      fail(fmt::format("does not count {} and {}", kInstructionEvent, kSystemCallEvent));
    }
  }

  static std::optional<Op> counted_operation(std::string_view function) {
    if (!skip(function, kCountedCallPrefix)) return {};
    for (int i = 0; i < kOpCount; ++i) {
      if (function == op_name(static_cast<Op>(i))) return static_cast<Op>(i);
    }
    return {};
  }

  void read_calls(std::string_view line, std::string_view callee) {
    const std::optional<Op> op = counted_operation(callee);
    const std::uint64_t calls = op ? number(take(line, ' ')) : 0;
    ++line_number_;
    std::string_view costs = take(rest_, '\n');
    take(costs, ' ');  // the position
    if (callee == kCountedPart) {
      count_.instructions = cost(costs, instruction_column_);
      count_.system_calls = cost(costs, system_call_column_);
    } else if (op) {
      CallCost& call = count_.by_op[static_cast<std::size_t>(*op)];
      call.calls += calls;
      call.instructions += cost(costs, instruction_column_);
    }
  }

  std::uint64_t cost(std::string_view costs, int column) const {
    for (int i = 0; i < column; ++i) take(costs, ' ');
    return costs.empty() ? 0 : number(take(costs, ' '));
  }

  std::uint64_t number(std::string_view text) const {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) {
      fail(fmt::format("has '{}' in line {} where a number belongs", text, line_number_));
    }
    return value;
  }

  [[noreturn]] static void fail(const std::string& what) {
    throw Error("callgrind's profile of the worker " + what);
  }

  std::string_view rest_;
  std::uint64_t line_number_ = 0;
  int instruction_column_ = -1;
  int system_call_column_ = -1;
  InstructionCount count_;
};

}  // namespace

std::vector<std::string> callgrind_command(const std::string& valgrind, int out_fd) {
  return {valgrind,
          "--tool=callgrind",
          "--quiet",
          "--vgdb=no",
          "--collect-systime=yes",
          "--dump-line=no",
          "--compress-strings=no",
          "--compress-pos=no",
          fmt::format("--toggle-collect={}", kCountedPart),
          fmt::format("--callgrind-out-file=/proc/self/fd/{}", out_fd)};
}

InstructionCount parse_callgrind(std::string_view text) { return Profile(text).read(); }

}  // namespace replay
