// The verdict for people at a terminal.
#include <fmt/format.h>

#include <algorithm>

#include "replay/report/footprint_floor.h"
#include "replay/report/table.h"
#include "replay/report/verdict_report.h"

namespace replay {
namespace {

std::string value_text(double value, const std::string& unit) {
  const std::string number = short_number(value);
  return unit == kShare ? number : number + ' ' + unit;
}

std::string one_table(const VerdictReport& report, const VerdictTable& table) {
  std::string text =
      fmt::format("{} against {} ({})", table.subject, table.baseline, table.binding);
  if (table.subject_repetitions == table.baseline_repetitions) {
    text += fmt::format(", {} repetitions each", table.subject_repetitions);
  } else {
    text += fmt::format(", {} and {} repetitions", table.subject_repetitions,
                        table.baseline_repetitions);
  }
  if (!table.reference.empty()) text += ", both measured by " + table.reference;
  std::size_t width = 0;
  for (const MetricVerdict& verdict : table.verdicts) width = std::max(width, verdict.key.size());
  text += fmt::format("\n  {:<{}} {:>16} {:>16} {:>8}  {:<18} {:>7}\n", "", width, "baseline",
                      "subject", "ratio", "95 % interval", "p");
  for (const MetricVerdict& verdict : table.verdicts) {
    text += fmt::format("  {:<{}} {:>16} {:>16} {:>8}  {:<18} {:>7.2g}  {}\n", verdict.key, width,
                        value_text(verdict.baseline, verdict.unit),
                        value_text(verdict.subject, verdict.unit), effect_text(verdict),
                        effect_interval_text(verdict), verdict.p, verdict_phrase(verdict));
    if (const auto multiples = report.of_floor(verdict)) {
      text += fmt::format("  {:<{}} {:>16} {:>16}\n", "  of the floor", width,
                          of_floor_text(multiples->first), of_floor_text(multiples->second));
    }
  }
  return text;
}

}  // namespace

std::string verdict_text(const VerdictReport& report) {
  std::string text = report.title + '\n';
  for (const ContextDifference& difference : report.differences) {
    text += fmt::format("  differs: {}: {} -> {}\n", difference.key, difference.baseline,
                        difference.subject);
  }
  for (const std::string& note : report.notes) text += "  note: " + note + '\n';
  for (const VerdictTable& table : report.tables) text += one_table(report, table);
  text += fmt::format(
      "{} better, {} same, {} worse, {} cannot tell (threshold {:g} %, error rate {:g} %)\n",
      report.count(Verdict::kBetter), report.count(Verdict::kSame), report.count(Verdict::kWorse),
      report.count(Verdict::kCannotTell), report.rules.threshold * 100, report.rules.alpha * 100);
  return text;
}

}  // namespace replay
