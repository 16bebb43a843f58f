// Compares two results, of two sessions.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <set>

#include "replay/cli/command.h"
#include "replay/cli/verdict_options.h"
#include "replay/report/sessions.h"
#include "replay/trace/error.h"

namespace replay::cli {
namespace {

struct CompareOptions {
  std::string baseline;
  std::string subject;
  std::vector<std::string> allow;
  VerdictOptions verdict;
};

void refuse(const std::vector<Objection>& objections, const std::set<std::string>& allowed) {
  for (const Objection& objection : objections) {
    if (allowed.contains(objection.name)) continue;
    throw Error(
        fmt::format("{}; --allow {} compares all the same", objection.text, objection.name));
  }
}

// What is in one of the two only, lest a figure that vanished pass for one that did not get worse.
void note_unpaired(const RecordedResult& baseline, const RecordedResult& subject,
                   VerdictReport& report) {
  for (const RecordedResult* result : {&baseline, &subject}) {
    for (const RecordedAllocator& allocator : result->allocators) {
      const bool judged =
          std::any_of(report.tables.begin(), report.tables.end(), [&](const VerdictTable& table) {
            return allocator.name == table.subject || allocator.name == table.baseline ||
                   allocator.name == table.reference;
          });
      if (!judged) {
        report.notes.push_back(
            fmt::format("not compared: {}, measured in {} alone", allocator.name, result->path));
      }
    }
  }
  note_unjudged(report);
}

// All tables are one comparison, and share its error rate.
void judge_tables(VerdictReport& report, const std::vector<std::string>& patterns) {
  std::vector<std::vector<MetricSamples>*> samples;
  for (VerdictTable& table : report.tables) samples.push_back(&table.samples);
  keep_wanted(samples, patterns);
  std::vector<MetricSamples> all;
  for (const auto* table : samples) all.insert(all.end(), table->begin(), table->end());
  Trial trial(Design::kSeparate, report.rules);
  trial.look(all, 1.0);
  const std::vector<MetricVerdict> verdicts = trial.verdicts(true);
  auto next = verdicts.begin();
  for (VerdictTable& table : report.tables) {
    const auto end = next + static_cast<std::ptrdiff_t>(table.samples.size());
    table.verdicts.assign(next, end);
    next = end;
  }
}

int run_compare(const CompareOptions& options) {
  if (options.baseline == "-" && options.subject == "-") {
    throw Error("standard input (-) can be read once only", ExitCode::kUsage);
  }
  const std::set<std::string> allowed(options.allow.begin(), options.allow.end());
  VerdictReport report;
  report.design = Design::kSeparate;
  report.rules = rules_of(options.verdict);
  report.rules.trust_sessions = allowed.contains("drift");

  const RecordedResult baseline = read_result(options.baseline);
  const RecordedResult subject = read_result(options.subject);
  const std::vector<Objection> found = objections(baseline, subject);
  refuse(found, allowed);
  for (const Objection& objection : found) report.notes.push_back("allowed: " + objection.text);
  report.title = fmt::format("{} against {}", subject.path, baseline.path);
  report.trace = subject.trace;
  const auto floor_of = [](const nlohmann::ordered_json& trace) {
    return trace.value("floor_pages", nlohmann::ordered_json());
  };
  if (floor_of(baseline.trace) != floor_of(subject.trace)) report.trace["floor_pages"] = nullptr;
  report.context = {{"baseline", baseline.context}, {"subject", subject.context}};
  report.differences = context_differences(baseline, subject);
  report.tables = pair_sessions(baseline, subject, allowed);
  note_unpaired(baseline, subject, report);
  judge_tables(report, options.verdict.metrics);
  const bool measured_alike =
      std::all_of(report.tables.begin(), report.tables.end(),
                  [](const VerdictTable& table) { return !table.reference.empty(); });
  report.notes.emplace_back(
      measured_alike
          ? "two sessions: ratios are of ratios to glibc, which ran beside both (a percentile's to "
            "that of glibc's which takes about as long), and what glibc drifted itself is allowed "
            "for; a drift of one allocator alone between the sessions "
            "cannot be seen. `allocreplay ab` measures both in one session"
          : "two sessions without a reference in both: how far the machine drifted is not known. "
            "`allocreplay ab` measures both in one session");
  OutputFile file(target_of(options.verdict));
  return write_report(report, options.verdict, file);
}

constexpr const char* kCompareExamples = R"(Examples:
  allocreplay --trace redis.trace --allocator mem -r 15 -o before.json
  allocreplay --trace redis.trace --allocator mem -r 15 -o after.json
  allocreplay compare before.json after.json
  allocreplay compare before.json after.json -m throughput_events_per_s -m 'peak_*' -f markdown
  allocreplay compare mem.json jemalloc.json --allow allocator -f junit -o verdict.xml

BASELINE and SUBJECT are results of allocreplay --output. A repetition, a process of its own, is the
unit of all statistics. Six repetitions or less rarely tell anything; fifteen do.
)";

}  // namespace

Command setup_compare(CLI::App& root) {
  auto options = std::make_shared<CompareOptions>();
  CLI::App* app = add_subcommand(root, "compare", "Judge one result against another");
  app->add_option("BASELINE", options->baseline, "Result of before; - is standard input")
      ->required()
      ->type_name("");
  app->add_option("SUBJECT", options->subject, "Result of after")->required()->type_name("");
  add_verdict_options(*app, options->verdict);
  const std::vector<std::string> names(std::begin(kObjections), std::end(kObjections));
  app->add_option("--allow", options->allow,
                  "Compare although this stands against it: " + CLI::detail::join(names, ", "))
      ->type_name("WHAT")
      ->delimiter(',')
      ->check(CLI::IsMember(names).description(""));
  app->footer(std::string(kCompareExamples) + kVerdictExits);
  return {app, [options] { return run_compare(*options); }};
}

}  // namespace replay::cli
