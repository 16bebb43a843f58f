#include "replay/cli/explain.h"

#include <fmt/format.h>

#include "replay/report/table.h"

namespace replay::cli {
namespace {

std::string counted(std::uint64_t count, const char* what, const char* plural = "") {
  return count == 0 ? "" : fmt::format(", {} {}{}", count, what, count == 1 ? "" : plural);
}

// What the counters saw, or that they saw nothing.
std::string happened(const ExplainedCall& call) {
  std::string text = counted(call.page_faults, "page fault", "s");
  for (int i = 0; i < kMemoryCallCount; ++i) {
    text += counted(call.memory_calls[i], memory_call_name(static_cast<MemoryCall>(i)));
  }
  text += counted(call.waits, "wait", "s");
  text += counted(call.preemptions, "preemption", "s");
  return text.empty() ? "nothing that the kernel counts" : text.substr(2);
}

std::string row(const WorstCall& call) {
  std::string text = fmt::format("  {:>12}  {:<8} {:>12} {:>12} ns", call.event, op_name(call.op),
                                 call.size_bytes, short_number(call.ns));
  if (call.explained) {
    text +=
        fmt::format(" {:>12} ns  {}", short_number(call.explained_ns), happened(*call.explained));
  }
  if (call.disturbance != Disturbance::kNone) {
    text += fmt::format("  ({})", disturbance_name(call.disturbance));
  }
  return text + '\n';
}

}  // namespace

void add_explain_options(CLI::App& app, ExplainOptions& options) {
  app.add_option("--worst", options.worst, "Name so many of the longest calls, by event")
      ->type_name("K")
      ->capture_default_str()
      ->check(CLI::Range(0U, LongCalls::kMost).description(""));
  app.add_flag(
      "--explain", options.explain,
      "Replay once more and say what happened in the longest calls: page faults, calls for "
      "memory, context switches");
}

void name_long_calls(const std::string& trace, const ReadOptions& read_options, const Plan& plan,
                     ThreadChoice threads, SessionResult& session) {
  std::vector<LongCall*> calls;
  std::vector<LaneEvent> places;
  for (SubjectRuns& runs : session.subjects) {
    for (RunOutcome& run : runs.by_pass[static_cast<std::size_t>(Pass::kLatency)]) {
      for (LongCall& call : run.latency.longest) {
        calls.push_back(&call);
        places.push_back({call.lane, call.event});
      }
    }
  }
  const std::vector<std::uint64_t> numbers =
      event_numbers(trace, read_options, plan, threads, places);
  for (std::size_t i = 0; i < calls.size(); ++i) calls[i]->trace_event = numbers[i];
}

void explain_worst(const Plan& plan, const SessionOptions& options, int cpu,
                   const Launcher& launcher, const SessionProgress& progress, Result& result) {
  double done = 0;
  for (AllocatorResult& allocator : result.allocators) {
    std::vector<WorstCall>& worst = allocator.latency_classes.worst;
    RunRequest request{allocator.subject, Pass::kExplain, options.touch, cpu};
    request.to_explain = to_explain(worst);
    const RunOutcome answer = launcher.run(plan, request, [&](double share) {
      progress((done + share) / static_cast<double>(result.allocators.size()),
               allocator.subject.name + " explain");
    });
    note_explained(answer, worst);
    done += 1;
  }
}

std::string explained_text(const Result& result) {
  std::string text;
  for (const AllocatorResult& allocator : result.allocators) {
    const std::vector<WorstCall>& worst = allocator.latency_classes.worst;
    if (worst.empty() || !worst.front().explained) continue;
    text += fmt::format("the longest calls of {}\n  {:>12}  {:<8} {:>12} {:>15} {:>15}  {}\n",
                        allocator.subject.name, "event", "", "bytes", "took", "looked at",
                        "what happened");
    for (const WorstCall& call : worst) text += row(call);
  }
  return text;
}

}  // namespace replay::cli
