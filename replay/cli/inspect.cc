// What a trace is like, as text or JSON; or its first events as tab-separated text.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "replay/cli/command.h"
#include "replay/cli/range.h"
#include "replay/metrics/metric.h"
#include "replay/trace/summary.h"

namespace replay::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kBarWidth = 40;
constexpr std::size_t kCurveRows = 25;  // of the text; the JSON has every point

constexpr const char* kExamples =
    "Examples:\n"
    "  allocreplay inspect redis.trace\n"
    "  allocreplay inspect redis.trace --json | python3 -m json.tool\n"
    "  allocreplay inspect redis.trace --events 20\n"
    "  allocreplay inspect redis.trace --events 1M: --allow-truncated\n";

struct Options {
  std::string trace;
  std::string events;
  bool json = false;
  bool allow_truncated = false;
};

// Text.

std::string bytes_text(std::uint64_t bytes) {
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < std::size(kUnits); ++unit) value /= 1024;
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string time_text(std::uint64_t ns) {
  constexpr const char* kUnits[] = {"ns", "us", "ms", "s"};
  auto value = static_cast<double>(ns);
  std::size_t unit = 0;
  for (; value >= 1000 && unit + 1 < std::size(kUnits); ++unit) value /= 1000;
  return unit == 0 ? fmt::format("{} ns", ns) : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string count_text(std::uint64_t count) { return fmt::format("{}", count); }

// Two spaces and at least one '#'; nothing for nothing.
std::string bar(std::uint64_t part, std::uint64_t whole) {
  if (part == 0) return {};
  const double share = static_cast<double>(part) / static_cast<double>(whole);
  const auto width = static_cast<std::size_t>(std::lround(share * kBarWidth));
  return "  " + std::string(std::max<std::size_t>(1, width), '#');
}

double percent(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

void print_histogram(const char* title, const Log2Histogram& histogram,
                     std::string (*text)(std::uint64_t)) {
  fmt::print("\n{}\n", title);
  if (histogram.total() == 0) fmt::print("  none\n");
  std::uint64_t most = 0;
  for (int i = histogram.begin(); i < histogram.end(); ++i) {
    most = std::max(most, histogram.count(i));
  }
  for (int i = histogram.begin(); i < histogram.end(); ++i) {
    fmt::print("  {:>10} to {:>10} {:>12} {:5.1f} %{}\n", text(Log2Histogram::least(i)),
               text(Log2Histogram::greatest(i)), histogram.count(i),
               percent(histogram.count(i), histogram.total()), bar(histogram.count(i), most));
  }
}

void print_curve(const Summary& summary) {
  fmt::print("\nLive bytes over the trace\n");
  const std::size_t points = summary.curve.size();
  const std::size_t step = (points + kCurveRows - 1) / kCurveRows;
  for (std::size_t i = 0; i < points; i += std::max<std::size_t>(1, step)) {
    const LivePoint& point = summary.curve[i];
    fmt::print("  event {:>11} {:>10} {:>11}{}\n", point.event, time_text(point.time_ns),
               bytes_text(point.bytes), bar(point.bytes, summary.peak_bytes.bytes));
  }
}

void print_peak(const char* what, const LivePoint& point) {
  fmt::print("  {:<14} {} in {} objects, after event {} at {}\n", what, bytes_text(point.bytes),
             point.objects, point.event, time_text(point.time_ns));
}

void print_header(const TraceReader& reader, const Summary& summary, std::uint64_t file_bytes) {
  const TraceHeader& header = reader.header();
  fmt::print("{}: trace format {}.{}, {}\n", reader.path(), header.version_major,
             header.version_minor, bytes_text(file_bytes));
  if (!header.complete) fmt::print("  NOT FINISHED by its writer\n");
  if (reader.truncated()) fmt::print("  TRUNCATED: {}\n", reader.truncation());
  if (header.lost_events != 0) fmt::print("  LOST: {} calls are not in it\n", header.lost_events);
  fmt::print("  {:<14} {}, {:.2f} bytes each, times in units of {} ns\n", "events", summary.events,
             summary.events == 0
                 ? 0.0
                 : static_cast<double>(file_bytes) / static_cast<double>(summary.events),
             header.time_unit_ns);
  fmt::print("  {:<14} {}\n", "duration", time_text(summary.duration_ns));
  if (header.start_unix_ns != 0) {
    const auto seconds = static_cast<std::time_t>(header.start_unix_ns / 1000000000);
    fmt::print("  {:<14} {:%Y-%m-%d %H:%M:%S} UTC\n", "began", fmt::gmtime(seconds));
  }
}

void print_text(const TraceReader& reader, const Summary& summary, std::uint64_t file_bytes) {
  print_header(reader, summary, file_bytes);
  fmt::print("  {:<14} {}, {} requested\n", "objects", summary.objects,
             bytes_text(summary.requested_bytes));
  const std::uint64_t frees = summary.by_op[static_cast<std::size_t>(Op::kFree)];
  fmt::print(
      "  {:<14} {}; {} of {} frees ({:.1f} %) by another thread than the one that allocated\n",
      "threads", summary.by_thread.size(), summary.cross_thread_frees, frees,
      percent(summary.cross_thread_frees, frees));
  print_peak("most bytes", summary.peak_bytes);
  print_peak("most objects", summary.peak_objects);
  fmt::print("  {:<14} {} in {} objects\n", "never freed", bytes_text(summary.end.bytes),
             summary.end.objects);

  fmt::print("\nOperations\n");
  const std::uint64_t most = *std::max_element(summary.by_op.begin(), summary.by_op.end());
  for (int op = 0; op < kOpCount; ++op) {
    const std::uint64_t count = summary.by_op[static_cast<std::size_t>(op)];
    fmt::print("  {:<24} {:>12} {:5.1f} %{}\n", op_name(static_cast<Op>(op)), count,
               percent(count, summary.events), bar(count, most));
  }
  print_histogram("Sizes asked for", summary.sizes, bytes_text);
  print_histogram("Lifetimes in events", summary.lifetimes_events, count_text);
  print_histogram("Lifetimes in time", summary.lifetimes_ns, time_text);
  print_curve(summary);
  fmt::print("\nProvenance\n{}\n", reader.header().provenance.dump(2));
}

// JSON.

Json to_json(const LivePoint& point) {
  return {{"event", point.event},
          {"time_ns", point.time_ns},
          {"live_bytes", point.bytes},
          {"live_objects", point.objects}};
}

Json to_json(const Log2Histogram& histogram) {
  Json buckets = Json::array();
  for (int i = histogram.begin(); i < histogram.end(); ++i) {
    buckets.push_back({{"from", Log2Histogram::least(i)},
                       {"to", Log2Histogram::greatest(i)},
                       {"count", histogram.count(i)}});
  }
  return buckets;
}

Json to_json(const TraceReader& reader, const Summary& summary, std::uint64_t file_bytes) {
  const TraceHeader& header = reader.header();
  Json ops;
  for (int op = 0; op < kOpCount; ++op) {
    ops[op_name(static_cast<Op>(op))] = summary.by_op[static_cast<std::size_t>(op)];
  }
  Json curve = Json::array();
  for (const LivePoint& point : summary.curve) curve.push_back(to_json(point));
  Json bytes_per_event;  // null without events
  if (summary.events != 0) {
    bytes_per_event = static_cast<double>(file_bytes) / static_cast<double>(summary.events);
  }
  return {{"schema", "allocreplay-inspect"},
          {"schema_version", "1.0"},
          {"file",
           {{"path", reader.path()},
            {"bytes", file_bytes},
            {"format", fmt::format("{}.{}", header.version_major, header.version_minor)},
            {"complete", header.complete},
            {"truncation", reader.truncated() ? Json(reader.truncation()) : Json()},
            {"bytes_per_event", bytes_per_event},
            {"time_unit_ns", header.time_unit_ns},
            {"start_unix_ns", header.start_unix_ns},
            {"lost_events", header.lost_events}}},
          {"events", summary.events},
          {"ops", ops},
          {"duration_ns", summary.duration_ns},
          {"threads", summary.by_thread.size()},
          {"thread_events", summary.by_thread},
          {"cross_thread_frees", summary.cross_thread_frees},
          {"objects", summary.objects},
          {"requested_bytes", summary.requested_bytes},
          {"peak_bytes", to_json(summary.peak_bytes)},
          {"peak_objects", to_json(summary.peak_objects)},
          {"unfreed", {{"objects", summary.end.objects}, {"bytes", summary.end.bytes}}},
          {"sizes_bytes", to_json(summary.sizes)},
          {"lifetimes_events", to_json(summary.lifetimes_events)},
          {"lifetimes_ns", to_json(summary.lifetimes_ns)},
          {"live_curve", curve},
          {"provenance", header.provenance}};
}

// Events.

EventRange range_of(const std::string& text) {
  if (text.find(':') != std::string::npos) return parse_range(text);
  return {.from = 0, .to = parse_count(text)};
}

void print_events(TraceReader& reader, const EventRange& range) {
  const bool sites = reader.header().has_sites;
  const bool touched = reader.header().has_touched;
  fmt::print("event\ttime_ns\tthread\top\tobject\tsize\talign_log2{}{}\n", sites ? "\tsite" : "",
             touched ? "\ttouched" : "");
  std::uint64_t index = reader.seek(range.from);
  while (index < range.to) {
    const auto block = reader.next_block();
    if (block.empty()) return;
    for (const Event& event : block) {
      if (index >= range.from && index < range.to) {
        fmt::print("{}\t{}\t{}\t{}\t{}\t{}\t{}", index, event.time_ns, event.thread,
                   op_name(event.op), event.object, event.size, event.align_log2);
        if (sites) fmt::print("\t{}", event.site);
        if (touched) fmt::print("\t{}", event.touched);
        fmt::print("\n");
      }
      ++index;
    }
  }
}

int run_inspect(const Options& options) {
  TraceReader reader(options.trace, {.allow_truncated = options.allow_truncated});
  if (!options.events.empty()) {
    print_events(reader, range_of(options.events));
  } else {
    const Summary summary = summarize(reader);
    const std::uint64_t file_bytes = std::filesystem::file_size(options.trace);
    if (options.json) {
      fmt::print("{}\n", to_json(reader, summary, file_bytes).dump(2));
    } else {
      print_text(reader, summary, file_bytes);
    }
  }
  if (reader.truncated()) fmt::print(stderr, "allocreplay: {}\n", reader.truncation());
  return 0;
}

}  // namespace

Command setup_inspect(CLI::App& root) {
  auto options = std::make_shared<Options>();
  CLI::App* app = root.add_subcommand("inspect", "Show what a trace is like");
  app->add_option("TRACE", options->trace, "Trace file (made by: allocreplay record)")
      ->required()
      ->type_name("");
  CLI::Option* json = app->add_flag("--json", options->json, "As JSON");
  app->add_option("-e,--events", options->events,
                  "Print these events as tab-separated text instead: the first N, or FROM:TO")
      ->type_name("N|FROM:TO")
      ->excludes(json);
  app->add_flag("--allow-truncated", options->allow_truncated,
                "Use what is whole of a damaged or unfinished trace");
  app->footer(kExamples);
  return {app, [options] { return run_inspect(*options); }};
}

}  // namespace replay::cli
