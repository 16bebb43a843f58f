#include "replay/report/verdict_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "replay/report/footprint_floor.h"
#include "replay/report/table.h"

namespace replay {
namespace {

constexpr std::array kFormats = {
    VerdictFormat{"text", verdict_text},
    VerdictFormat{"json", verdict_json},
    VerdictFormat{"markdown", verdict_markdown},
    VerdictFormat{"junit", verdict_junit},
};

std::string signed_number(double value) {
  return (value > 0 ? "+" : "") + (value == 0 ? std::string("0") : short_number(value));
}

}  // namespace

std::span<const VerdictFormat> verdict_formats() { return kFormats; }

int VerdictReport::count(Verdict verdict) const {
  int found = 0;
  for (const VerdictTable& table : tables) {
    for (const MetricVerdict& metric : table.verdicts) found += metric.verdict == verdict ? 1 : 0;
  }
  return found;
}

std::optional<std::pair<double, double>> VerdictReport::of_floor(
    const MetricVerdict& verdict) const {
  const auto found = trace.find("floor_pages");
  if (found == trace.end() || !found->is_number_unsigned()) return std::nullopt;
  const auto multiple = [&](double value) {
    return replay::of_floor(value, verdict.unit, verdict.better, found->get<std::uint64_t>());
  };
  if (!multiple(verdict.baseline)) return std::nullopt;
  return std::pair(*multiple(verdict.baseline), *multiple(verdict.subject));
}

ExitCode VerdictReport::exit_code() const {
  if (count(Verdict::kWorse) > 0) return ExitCode::kRegression;
  return count(Verdict::kCannotTell) > 0 ? ExitCode::kInconclusive : ExitCode::kOk;
}

void note_unjudged(VerdictReport& report) {
  const auto note = [&](const VerdictTable& table, const char* why,
                        const std::vector<std::string>& keys) {
    if (keys.empty()) return;
    report.notes.push_back(
        fmt::format("not compared of {}: {}: {}", table.subject, why, fmt::join(keys, ", ")));
  };
  for (const VerdictTable& table : report.tables) {
    note(table, "metrics that only one of both has", table.unpaired);
    note(table, "metrics that neither has a value of", table.without_value);
  }
}

std::string effect_text(const MetricVerdict& verdict) {
  if (std::isfinite(verdict.ratio)) return fmt::format("{:.3f}", verdict.ratio);
  if (!std::isfinite(verdict.difference)) return "-";
  return signed_number(verdict.difference);
}

std::string effect_interval_text(const MetricVerdict& verdict) {
  if (!verdict.interval) return "-";
  if (std::isfinite(verdict.ratio)) {
    return fmt::format("{:.3f} to {:.3f}", verdict.interval->low, verdict.interval->high);
  }
  return fmt::format("{} to {}", signed_number(verdict.interval->low),
                     signed_number(verdict.interval->high));
}

std::string verdict_phrase(const MetricVerdict& verdict) {
  std::string text = verdict_name(verdict.verdict);
  if (verdict.verdict != Verdict::kCannotTell) return text;
  if (verdict.more_repetitions) {
    const int more = *verdict.more_repetitions;
    return text + fmt::format(": about {} more repetition{} would", more, more == 1 ? "" : "s");
  }
  return text + ": " + verdict.why;
}

}  // namespace replay
