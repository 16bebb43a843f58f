#include "replay/engine/instruction_source.h"

#include <unistd.h>

#include <sstream>

#include "replay/trace/error.h"

namespace replay {
namespace {

constexpr const char* kNoPerf =
    "perf_event_open counts no instructions here (no hardware counters, as in many virtual "
    "machines, or /proc/sys/kernel/perf_event_paranoid above 2)";
constexpr const char* kNoValgrind =
    "valgrind is not installed; install the Debian package valgrind (apt-get install valgrind)";

std::string find_program(const std::string& name, const std::string& search_path) {
  std::istringstream folders(search_path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    std::string candidate = folder + '/' + name;
    if (!folder.empty() && ::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return "";
}

}  // namespace

InstructionSource find_instruction_source(const std::string& wish, const std::string& search_path,
                                          const PerfKernel& kernel) {
  if (wish != "callgrind") {
    if (perf_counts_instructions(kernel)) return {InstructionTool::kPerf, ""};
    if (wish == "perf") throw Error(kNoPerf);
  }
  const std::string valgrind = find_program("valgrind", search_path);
  if (valgrind.empty()) {
    throw Error(wish == "callgrind" ? std::string(kNoValgrind)
                                    : std::string(kNoPerf) + ", and " + kNoValgrind);
  }
  return {InstructionTool::kCallgrind, valgrind};
}

}  // namespace replay
