#include "replay/cli/floor_report.h"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "replay/report/json.h"

namespace replay::cli {
namespace {

using Json = nlohmann::ordered_json;

// One floor, as all forms have it.
struct Row {
  std::string key;
  std::string words;
  std::uint64_t bytes;
  std::uint64_t pages;
  std::optional<std::uint64_t> event;  // after which it was so
};

std::vector<Row> rows_of(const Floor& floor) {
  std::vector<Row> rows = {
      {"live", "live", floor.live_bytes.amount, floor.pages_of(floor.live_bytes.amount),
       floor.live_bytes.event},
      {"aligned", "rounded up to 16 bytes", floor.aligned_bytes.amount,
       floor.pages_of(floor.aligned_bytes.amount), floor.aligned_bytes.event},
      {"packing", "best packing found", floor.packing_bytes(), floor.packing.size.pages, {}}};
  for (const ClassFloor& classes : floor.classes) {
    rows.push_back({"classes:" + classes.table, "size classes: " + classes.table,
                    classes.bytes.amount, classes.pages.amount, classes.pages.event});
  }
  return rows;
}

// "1.042" with that many digits; `none` of a trace that never had a byte live.
std::string of_floor(const Floor& floor, std::uint64_t pages, int digits, const char* none) {
  const std::uint64_t live = floor.pages_of(floor.live_bytes.amount);
  if (live == 0) return none;
  return fmt::format("{:.{}f}", static_cast<double>(pages) / static_cast<double>(live), digits);
}

std::string text(const FloorReport& report) {
  const Floor& floor = report.floor;
  std::string out = fmt::format("{}, events {}:{}, {} lives, pages of {} bytes\n", report.trace,
                                floor.first_event, floor.last_event, floor.lives, floor.page_bytes);
  std::size_t width = 0;
  const std::vector<Row> rows = rows_of(floor);
  for (const Row& row : rows) width = std::max(width, row.words.size());
  out += fmt::format("\n  {:<{}} {:>16} {:>12} {:>14} {:>14}\n", "at the peak", width, "bytes",
                     "pages", "of the floor", "after event");
  for (const Row& row : rows) {
    out += fmt::format("  {:<{}} {:>16} {:>12} {:>13}x {:>14}\n", row.words, width, row.bytes,
                       row.pages, of_floor(floor, row.pages, 3, "- "),
                       row.event ? fmt::format("{}", *row.event) : "-");
  }
  const std::uint64_t bound = floor.pages_of(floor.aligned_bytes.amount);
  const std::uint64_t found = floor.packing.size.pages;
  if (found <= bound) {
    out += "\nNo packing of objects aligned to 16 bytes takes fewer pages.\n";
  } else {
    out += fmt::format(
        "\nNo packing of objects aligned to 16 bytes takes fewer than {} pages; this one takes "
        "{:.2f} % more.\n",
        bound, 100 * (static_cast<double>(found) / static_cast<double>(bound) - 1));
  }
  if (!report.truncation.empty()) out += "\n" + report.truncation + "\n";
  return out;
}

std::string json(const FloorReport& report) {
  const Floor& floor = report.floor;
  const auto peak = [&](const Peak& at) -> Json {
    return {{"bytes", at.amount}, {"pages", floor.pages_of(at.amount)}, {"event", at.event}};
  };
  Json classes = Json::array();
  for (const ClassFloor& table : floor.classes) {
    classes.push_back({{"table", table.table},
                       {"bytes", table.bytes.amount},
                       {"bytes_event", table.bytes.event},
                       {"pages", table.pages.amount},
                       {"pages_event", table.pages.event}});
  }
  const Json document = {
      {"schema", "allocreplay-floor"},
      {"schema_version", "1.0"},
      {"trace",
       {{"path", report.trace},
        {"sha256", report.sha256 ? Json(*report.sha256) : Json()},
        {"first_event", floor.first_event},
        {"last_event", floor.last_event},
        {"truncation", report.truncation.empty() ? Json() : Json(report.truncation)}}},
      {"page_size_bytes", floor.page_bytes},
      {"alignment_bytes", kGranuleBytes},
      {"live", peak(floor.live_bytes)},
      {"aligned", peak(floor.aligned_bytes)},
      {"packing",
       {{"lives", floor.lives},
        {"bound_bytes", floor.aligned_bytes.amount},
        {"bound_pages", floor.pages_of(floor.aligned_bytes.amount)},
        {"bytes", floor.packing_bytes()},
        {"pages", floor.packing.size.pages},
        {"tactic", tactic_name(floor.packing.tactic)}}},
      {"classes", classes}};
  return document_text(document);
}

std::string tsv(const FloorReport& report) {
  const std::string name = std::filesystem::path(report.trace).filename().string();
  std::string out = "trace\tfloor\tbytes\tpages\tof_floor\n";
  for (const Row& row : rows_of(report.floor)) {
    out += fmt::format("{}\t{}\t{}\t{}\t{}\n", name, row.key, row.bytes, row.pages,
                       of_floor(report.floor, row.pages, 4, ""));
  }
  return out;
}

constexpr FloorFormat kFormats[] = {{"text", text}, {"json", json}, {"tsv", tsv}};

}  // namespace

std::span<const FloorFormat> floor_formats() { return kFormats; }

}  // namespace replay::cli
