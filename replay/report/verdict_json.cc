// The verdict as JSON. Shape: results/schema/verdict-v1.schema.json.

#include "replay/report/json.h"
#include "replay/report/verdict_report.h"

namespace replay {
namespace {

using nlohmann::ordered_json;

template <class T>
ordered_json or_null(const std::optional<T>& value) {
  return value ? ordered_json(*value) : ordered_json(nullptr);
}

ordered_json text_or_null(const std::string& text) {
  return text.empty() ? ordered_json(nullptr) : ordered_json(text);
}

ordered_json metric_json(const VerdictReport& report, const MetricVerdict& verdict,
                         const MetricSamples& samples) {
  ordered_json metric = {
      {"unit", verdict.unit},
      {"better", verdict.better == Better::kHigher ? "higher" : "lower"},
      {"baseline", number(verdict.baseline)},
      {"subject", number(verdict.subject)},
      {"ratio", number(verdict.ratio)},
      {"difference", number(verdict.difference)},
      {"interval", verdict.interval ? ordered_json::array({number(verdict.interval->low),
                                                           number(verdict.interval->high)})
                                    : ordered_json(nullptr)},
      {"p", verdict.p},
      {"p_same", verdict.p_same},
      {"reference_metric", text_or_null(samples.reference_key)},
      {"drift", or_null(verdict.drift)},
      {"verdict", verdict_name(verdict.verdict)},
      {"more_repetitions", or_null(verdict.more_repetitions)},
      {"why", text_or_null(verdict.why)},
      {"baseline_samples", numbers(samples.baseline)},
      {"subject_samples", numbers(samples.subject)}};
  if (const auto multiples = report.of_floor(verdict)) {
    metric["baseline_of_floor"] = number(multiples->first);
    metric["subject_of_floor"] = number(multiples->second);
  }
  return metric;
}

ordered_json table_json(const VerdictReport& report, const VerdictTable& table) {
  ordered_json metrics = ordered_json::object();
  for (std::size_t i = 0; i < table.verdicts.size(); ++i) {
    metrics[table.verdicts[i].key] = metric_json(report, table.verdicts[i], table.samples[i]);
  }
  return {{"baseline", table.baseline},
          {"subject", table.subject},
          {"binding", table.binding},
          {"reference", text_or_null(table.reference)},
          {"baseline_repetitions", table.baseline_repetitions},
          {"subject_repetitions", table.subject_repetitions},
          {"metrics", metrics}};
}

ordered_json design_json(const VerdictReport& report) {
  ordered_json looks = ordered_json::array();
  for (const Look& look : report.looks) {
    looks.push_back({{"repetitions", look.repetitions}, {"share_of_error_rate", look.weight}});
  }
  return {{"kind", report.design == Design::kPaired ? "interleaved" : "two sessions"},
          {"threshold", report.rules.threshold},
          {"error_rate", report.rules.alpha},
          {"confidence", kConfidence},
          {"seed", or_null(report.seed)},
          {"looks", looks}};
}

}  // namespace

std::string verdict_json(const VerdictReport& report) {
  ordered_json differences = ordered_json::array();
  for (const ContextDifference& difference : report.differences) {
    differences.push_back({{"key", difference.key},
                           {"baseline", difference.baseline},
                           {"subject", difference.subject}});
  }
  ordered_json tables = ordered_json::array();
  for (const VerdictTable& table : report.tables) tables.push_back(table_json(report, table));
  const ordered_json document = {{"schema", kVerdictSchemaName},
                                 {"schema_version", kVerdictSchemaVersion},
                                 {"title", report.title},
                                 {"context", report.context},
                                 {"trace", report.trace},
                                 {"config", report.config},
                                 {"design", design_json(report)},
                                 {"counts",
                                  {{"better", report.count(Verdict::kBetter)},
                                   {"same", report.count(Verdict::kSame)},
                                   {"worse", report.count(Verdict::kWorse)},
                                   {"cannot_tell", report.count(Verdict::kCannotTell)}}},
                                 {"exit_code", static_cast<int>(report.exit_code())},
                                 {"context_differences", differences},
                                 {"notes", report.notes},
                                 {"comparisons", tables}};
  return document_text(document);
}

}  // namespace replay
