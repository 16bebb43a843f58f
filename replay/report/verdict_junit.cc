// The verdict as JUnit XML, which CI systems show: a suite per pair of allocators, a case per
// metric. Worse is a failure; cannot tell is skipped, with the reason. What a reader must know to
// judge are properties of each suite.
#include <fmt/format.h>

#include "replay/report/footprint_floor.h"
#include "replay/report/json.h"
#include "replay/report/verdict_report.h"

namespace replay {
namespace {

std::string attribute(const std::string& text) {
  std::string escaped;
  for (const char letter : as_utf8(text)) {
    switch (letter) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        // XML 1.0 cannot hold other control characters in any form.
        escaped += static_cast<unsigned char>(letter) < ' ' ? ' ' : letter;
    }
  }
  return escaped;
}

int count(const VerdictTable& table, Verdict wanted) {
  int found = 0;
  for (const MetricVerdict& verdict : table.verdicts) found += verdict.verdict == wanted ? 1 : 0;
  return found;
}

// What both are of the floor; nothing of what is no footprint.
std::string floor_clause(const VerdictReport& report, const MetricVerdict& verdict) {
  const auto multiples = report.of_floor(verdict);
  if (!multiples) return {};
  return fmt::format("; baseline {} the floor, subject {}", of_floor_text(multiples->first),
                     of_floor_text(multiples->second));
}

std::string one_case(const VerdictReport& report, const std::string& suite,
                     const MetricVerdict& verdict) {
  const std::string message = attribute(fmt::format(
      "{}: ratio {}, 95 % interval {}, p {:.2g}{}", verdict_phrase(verdict), effect_text(verdict),
      effect_interval_text(verdict), verdict.p, floor_clause(report, verdict)));
  std::string text = fmt::format(R"(    <testcase classname="{}" name="{}" time="0">)", suite,
                                 attribute(verdict.key));
  if (verdict.verdict == Verdict::kWorse) {
    text += fmt::format(R"(<failure type="worse" message="{}"/>)", message);
  } else if (verdict.verdict == Verdict::kCannotTell) {
    text += fmt::format(R"(<skipped message="{}"/>)", message);
  } else {
    text += fmt::format("<system-out>{}</system-out>", message);
  }
  return text + "</testcase>\n";
}

std::string properties(const VerdictReport& report) {
  std::string text;
  const auto add = [&](const char* name, const std::string& value) {
    text += fmt::format("      <property name=\"{}\" value=\"{}\"/>\n", name, attribute(value));
  };
  for (const ContextDifference& difference : report.differences) {
    add("differs",
        fmt::format("{}: {} -> {}", difference.key, difference.baseline, difference.subject));
  }
  for (const std::string& note : report.notes) add("note", note);
  return text.empty() ? text : "    <properties>\n" + text + "    </properties>\n";
}

}  // namespace

std::string verdict_junit(const VerdictReport& report) {
  std::string text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n";
  for (const VerdictTable& table : report.tables) {
    const std::string suite =
        attribute(fmt::format("{} against {}", table.subject, table.baseline));
    text += fmt::format(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\" "
        "time=\"0\">\n",
        suite, table.verdicts.size(), count(table, Verdict::kWorse),
        count(table, Verdict::kCannotTell));
    text += properties(report);
    for (const MetricVerdict& verdict : table.verdicts) text += one_case(report, suite, verdict);
    text += "  </testsuite>\n";
  }
  return text + "</testsuites>\n";
}

}  // namespace replay
