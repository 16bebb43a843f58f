#include "replay/cli/generate_report.h"

#include <fmt/format.h>

#include <algorithm>

namespace replay::cli {
namespace {

using Json = nlohmann::ordered_json;

double ratio(const ReplayedFigure& figure) {
  return figure.original == 0 ? 0 : figure.copy / figure.original;
}

}  // namespace

bool within_limits(const LikenessReport& report) {
  return std::all_of(report.distances.begin(), report.distances.end(),
                     [](const gen::Distance& row) { return row.value <= row.limit; });
}

std::string to_text(const LikenessReport& report) {
  std::string text = fmt::format("{} ({} events) beside {} ({} events)\n", report.copy,
                                 report.copy_events, report.original, report.original_events);
  text += fmt::format("  {:<42} {:>9} {:>9}\n", "distance of (0 alike, 1 as far as can be)", "is",
                      "limit");
  for (const gen::Distance& row : report.distances) {
    text += fmt::format("  {:<42} {:>9.4f} {:>9.4f}{}\n", row.what, row.value, row.limit,
                        row.value <= row.limit ? "" : "  FAR");
  }
  if (report.replayed.empty()) return text + "  not replayed\n";
  text += fmt::format("  {:<42} {:>9} {:>9} {:>9}\n", "replayed", "original", "copy", "ratio");
  for (const ReplayedFigure& figure : report.replayed) {
    text += fmt::format("  {:<42} {:>9.4g} {:>9.4g} {:>9.3f}\n",
                        fmt::format("{}: {}", figure.allocator, figure.key), figure.original,
                        figure.copy, ratio(figure));
  }
  return text;
}

nlohmann::ordered_json to_json(const LikenessReport& report) {
  Json distances = Json::array();
  for (const gen::Distance& row : report.distances) {
    distances.push_back({{"name", row.name}, {"distance", row.value}, {"limit", row.limit}});
  }
  Json replayed = Json::array();
  for (const ReplayedFigure& figure : report.replayed) {
    replayed.push_back({{"allocator", figure.allocator},
                        {"metric", figure.key},
                        {"unit", figure.unit},
                        {"original", figure.original},
                        {"copy", figure.copy},
                        {"ratio", figure.original == 0 ? Json() : Json(ratio(figure))}});
  }
  return {{"schema", "allocreplay-likeness"},
          {"schema_version", "1.0"},
          {"original", {{"path", report.original}, {"events", report.original_events}}},
          {"copy", {{"path", report.copy}, {"events", report.copy_events}}},
          {"seed", report.seed},
          {"scale", report.options.scale},
          {"threads", report.options.copies},
          {"within_limits", within_limits(report)},
          {"distances", distances},
          {"replayed", replayed}};
}

}  // namespace replay::cli
