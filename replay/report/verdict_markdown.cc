// The verdict as GitHub-flavoured Markdown, short enough for a comment: what is worse or cannot be
// told first, then the rest folded away.
#include <fmt/format.h>

#include "replay/report/footprint_floor.h"
#include "replay/report/table.h"
#include "replay/report/verdict_report.h"

namespace replay {
namespace {

// Text that a table's cell takes as it is.
std::string cell(const std::string& text) {
  std::string escaped;
  for (const char letter : text) {
    if (letter == '|' || letter == '\\' || letter == '`' || letter == '<') escaped += '\\';
    escaped += letter == '\n' ? ' ' : letter;
  }
  return escaped;
}

// A figure, and what it is of the floor if it is a footprint.
std::string figure(double value, std::optional<double> of_floor) {
  const std::string text = short_number(value);
  return of_floor ? text + " (" + of_floor_text(of_floor) + " the floor)" : text;
}

std::string row(const VerdictReport& report, const MetricVerdict& verdict) {
  const auto multiples = report.of_floor(verdict);
  const auto of_baseline = multiples ? std::optional(multiples->first) : std::nullopt;
  const auto of_subject = multiples ? std::optional(multiples->second) : std::nullopt;
  const bool worse = verdict.verdict == Verdict::kWorse;
  const std::string phrase = verdict_phrase(verdict);
  return fmt::format("| {} | {} | {} | {} | {} | {} | {} |\n", cell(verdict.key),
                     cell(verdict.unit), figure(verdict.baseline, of_baseline),
                     figure(verdict.subject, of_subject), effect_text(verdict),
                     effect_interval_text(verdict), worse ? "**" + phrase + "**" : phrase);
}

constexpr const char* kHead =
    "| metric | unit | baseline | subject | ratio | 95 % interval | verdict |\n"
    "|---|---|---:|---:|---:|---|---|\n";

std::string rows(const VerdictReport& report, const VerdictTable& table, bool (*wanted)(Verdict)) {
  std::string text;
  for (const MetricVerdict& verdict : table.verdicts) {
    if (wanted(verdict.verdict)) text += row(report, verdict);
  }
  return text;
}

bool is_news(Verdict verdict) { return verdict == Verdict::kWorse || verdict == Verdict::kBetter; }
bool is_none(Verdict verdict) { return !is_news(verdict); }

}  // namespace

std::string verdict_markdown(const VerdictReport& report) {
  std::string text = fmt::format("### {}\n\n", cell(report.title));
  text += fmt::format(
      "{} better, {} same, **{} worse**, {} cannot tell; threshold {:g} %, error "
      "rate {:g} %.\n",
      report.count(Verdict::kBetter), report.count(Verdict::kSame), report.count(Verdict::kWorse),
      report.count(Verdict::kCannotTell), report.rules.threshold * 100, report.rules.alpha * 100);
  for (const VerdictTable& table : report.tables) {
    text += fmt::format(
        "\n`{}` against `{}` ({}), {} and {} repetitions{}\n", table.subject, table.baseline,
        table.binding, table.subject_repetitions, table.baseline_repetitions,
        table.reference.empty() ? "" : ", both measured by `" + table.reference + "`");
    const std::string news = rows(report, table, is_news);
    const std::string rest = rows(report, table, is_none);
    if (!news.empty()) text += '\n' + std::string(kHead) + news;
    if (!rest.empty()) {
      text += "\n<details><summary>same, or cannot tell</summary>\n\n" + std::string(kHead) + rest +
              "\n</details>\n";
    }
  }
  if (!report.differences.empty()) {
    text +=
        "\n<details><summary>what differs in the contexts</summary>\n\n"
        "| | baseline | subject |\n|---|---|---|\n";
    for (const ContextDifference& difference : report.differences) {
      text += fmt::format("| {} | {} | {} |\n", cell(difference.key), cell(difference.baseline),
                          cell(difference.subject));
    }
    text += "\n</details>\n";
  }
  for (const std::string& note : report.notes) text += "\n> " + cell(note) + '\n';
  return text;
}

}  // namespace replay
