// Counts the instructions of a worker by running it under valgrind's callgrind: how to start it and
// how to read what it wrote. Exact, independent of the machine's load, many times slower.
//
// Counted is what happens while the function kCountedPart (counted_calls.h) runs. System calls are
// counted by callgrind as well. Reading costs O(length of the profile).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "replay/trace/event.h"

namespace replay {

struct CallCost {
  std::uint64_t calls = 0;
  std::uint64_t instructions = 0;  // of those calls, with all that they called
};

struct InstructionCount {
  std::uint64_t instructions = 0;             // of the counted part
  std::optional<std::uint64_t> system_calls;  // callgrind only
  std::array<CallCost, kOpCount> by_op{};     // callgrind only
};

// The words that go before the worker's own command. callgrind writes to the file `out_fd`, which
// the worker's process inherits.
std::vector<std::string> callgrind_command(const std::string& valgrind, int out_fd);

// Throws Error where the text is not a profile of a worker that ran to its end.
InstructionCount parse_callgrind(std::string_view text);

}  // namespace replay
