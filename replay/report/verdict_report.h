// The outcome of `compare` and `ab`, and its four forms. Stateless; linear in metrics.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "replay/report/looks.h"
#include "replay/report/verdict.h"
#include "replay/trace/error.h"

namespace replay {

inline constexpr const char* kVerdictSchemaName = "allocreplay-verdict";
inline constexpr const char* kVerdictSchemaVersion = "1.3";

// One allocator against another.
struct VerdictTable {
  std::string subject;
  std::string baseline;
  std::string binding;
  std::string reference;  // separate: what both sessions are measured by; empty: nothing
  int subject_repetitions = 0;
  int baseline_repetitions = 0;
  std::vector<MetricSamples> samples;
  std::vector<MetricVerdict> verdicts;          // same order
  std::vector<std::string> unpaired = {};       // metrics that only one of the two has
  std::vector<std::string> without_value = {};  // metrics that neither has a value of
};

// A fact in which the two contexts differ.
struct ContextDifference {
  std::string key;  // "host.kernel"
  std::string baseline;
  std::string subject;
};

struct VerdictReport {
  Design design = Design::kPaired;
  Rules rules;
  std::string title;              // what was compared, one line
  nlohmann::ordered_json trace;   // what is known of it
  nlohmann::ordered_json config;  // paired: how it was replayed
  nlohmann::ordered_json context;
  std::vector<ContextDifference> differences;
  std::vector<std::string> notes;  // what a reader must know to judge
  std::vector<VerdictTable> tables;
  // paired
  std::optional<std::uint64_t> seed;
  std::vector<Look> looks;  // planned; those beyond the repetitions were not needed

  // The metric's baseline and subject as multiples of the trace's floor, if that is known and the
  // metric a footprint.
  std::optional<std::pair<double, double>> of_floor(const MetricVerdict& verdict) const;
  int count(Verdict verdict) const;
  // kRegression if any metric is worse, else kInconclusive if any cannot be told, else kOk.
  ExitCode exit_code() const;
};

// Says in the notes which metrics are not judged, and why.
void note_unjudged(VerdictReport& report);

struct VerdictFormat {
  const char* name;
  std::string (*render)(const VerdictReport&);
};

std::span<const VerdictFormat> verdict_formats();

std::string verdict_text(const VerdictReport& report);
std::string verdict_markdown(const VerdictReport& report);  // GitHub's
std::string verdict_junit(const VerdictReport& report);     // worse: failure, cannot tell: skipped
std::string verdict_json(const VerdictReport& report);      // results/schema/verdict-v1.schema.json

// "1.043", "+0.012 share", "-3 calls": how the subject differs.
std::string effect_text(const MetricVerdict& verdict);
std::string effect_interval_text(const MetricVerdict& verdict);
// "worse", "cannot tell: about 12 more repetitions would (a difference not sure yet)".
std::string verdict_phrase(const MetricVerdict& verdict);

}  // namespace replay
