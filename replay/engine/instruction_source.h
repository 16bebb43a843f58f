// What counts instructions on this machine.
#pragma once

#include <string>

#include "replay/engine/perf_counters.h"

namespace replay {

enum class InstructionTool { kPerf, kCallgrind };

struct InstructionSource {
  InstructionTool tool = InstructionTool::kPerf;
  std::string valgrind;  // path of the program; empty with kPerf

  const char* name() const { return tool == InstructionTool::kPerf ? "perf" : "callgrind"; }
};

// `wish` is "perf", "callgrind", or "auto": perf where it counts, else callgrind. `search_path` is
// a PATH. Throws Error, which says what is missing and how to get it.
InstructionSource find_instruction_source(const std::string& wish, const std::string& search_path,
                                          const PerfKernel& kernel = kRealPerfKernel);

}  // namespace replay
