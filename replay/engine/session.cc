#include "replay/engine/session.h"

#include <fmt/format.h>

#include "replay/engine/plan_feed.h"

namespace replay {

SessionResult run_session(Plan& plan, const SessionOptions& options, const Launcher& launcher,
                          const SessionProgress& progress) {
  SessionResult result;
  result.cpu = pick_cpu();
  for (const Subject& subject : options.subjects) result.subjects.push_back({subject, {}});

  const std::size_t count = options.subjects.size();
  const double total = static_cast<double>(count * options.passes.size()) * options.repetitions;
  double done = 0;
  for (int repetition = 0; repetition < options.repetitions; ++repetition) {
    for (const Pass pass : options.passes) {
      for (std::size_t i = 0; i < count; ++i) {
        const std::size_t which = (i + static_cast<std::size_t>(repetition)) % count;
        SubjectRuns& runs = result.subjects[which];
        const std::string what = fmt::format("{} {}, repetition {} of {}", runs.subject.name,
                                             pass_name(pass), repetition + 1, options.repetitions);
        const bool keeps_pace =
            pass == Pass::kLatency || pass == Pass::kMemory || pass == Pass::kTrimmed;
        RunRequest request{runs.subject, pass, options.touch, result.cpu};
        request.pace = keeps_pace ? options.pace : 0;
        request.source = options.source;
        request.idle_ms = options.idle_ms;
        runs.by_pass[static_cast<std::size_t>(pass)].push_back(
            launcher.run(plan, request, [&](double share) {
              if (progress) progress((done + share) / total, what);
            }));
        const RunOutcome& outcome = runs.by_pass[static_cast<std::size_t>(pass)].back();
        if (outcome.compiled) learn(plan, *outcome.compiled);
        done += 1;
      }
    }
  }
  return result;
}

}  // namespace replay
