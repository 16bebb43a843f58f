// What a trace is like, for people: tables with bars.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "replay/cli/inspect_report.h"
#include "replay/metrics/metric.h"

namespace replay::cli {
namespace {

constexpr int kBarWidth = 40;
constexpr std::size_t kCurveRows = 25;
constexpr std::size_t kMatrixThreads = 8;

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

void print_operations(const Summary& summary) {
  fmt::print("\nOperations\n");
  const std::uint64_t most = *std::max_element(summary.by_op.begin(), summary.by_op.end());
  for (int op = 0; op < kOpCount; ++op) {
    const std::uint64_t count = summary.by_op[static_cast<std::size_t>(op)];
    fmt::print("  {:<24} {:>12} {:5.1f} %{}\n", op_name(static_cast<Op>(op)), count,
               percent(count, summary.events), bar(count, most));
  }
}

// One line of a list of counts that add up to `whole`.
void print_share(const std::string& what, std::uint64_t count, std::uint64_t whole) {
  fmt::print("  {:<24} {:>12} {:5.1f} %{}\n", what, count, percent(count, whole),
             bar(count, whole));
}

void print_alignments(const Summary& summary) {
  const std::uint64_t all = summary.by_op[static_cast<std::size_t>(Op::kAligned)];
  if (all == 0) return;
  fmt::print("\nAlignments asked for\n");
  for (std::size_t log2 = 0; log2 < summary.alignments.size(); ++log2) {
    const std::uint64_t count = summary.alignments[log2];
    if (count != 0) print_share(bytes_text(std::uint64_t{1} << log2), count, all);
  }
}

void print_resizes(const Resizes& resizes) {
  const std::uint64_t all = std::accumulate(resizes.grown.begin(), resizes.grown.end(),
                                            resizes.shrunk + resizes.same + resizes.from_empty);
  if (all == 0) return;
  fmt::print("\nWhat realloc did to sizes\n");
  print_share("less", resizes.shrunk, all);
  print_share("the same", resizes.same, all);
  for (std::size_t i = 0; i < resizes.grown.size(); ++i) {
    const bool last = i == Resizes::kGrowthPercent.size();
    const double factor = static_cast<double>(Resizes::kGrowthPercent[last ? i - 1 : i]) / 100;
    print_share(fmt::format("{} {} times", last ? "more than" : "up to", factor), resizes.grown[i],
                all);
  }
  print_share("from nothing", resizes.from_empty, all);
  fmt::print("  {} objects; grown by {}, shrunk by {}; {} kept, to copy if all moved\n",
             resizes.objects, bytes_text(resizes.grown_bytes), bytes_text(resizes.shrunk_bytes),
             bytes_text(resizes.kept_bytes));
  print_histogram("Resizes of each object that was resized and freed", resizes.per_object,
                  count_text);
}

// The threads between which most memory passed, as many as fit a line.
std::vector<std::uint32_t> busiest_threads(const Summary& summary) {
  std::map<std::uint32_t, std::uint64_t> objects;
  for (const auto& [pair, count] : summary.frees) {
    if (pair.first == pair.second) continue;
    objects[pair.first] += count.objects;
    objects[pair.second] += count.objects;
  }
  std::vector<std::uint32_t> threads;
  threads.reserve(objects.size());
  for (const auto& [thread, count] : objects) threads.push_back(thread);
  std::stable_sort(threads.begin(), threads.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return objects[a] > objects[b]; });
  threads.resize(std::min(threads.size(), kMatrixThreads));
  std::sort(threads.begin(), threads.end());
  return threads;
}

void print_matrix(const Summary& summary) {
  const std::vector<std::uint32_t> threads = busiest_threads(summary);
  if (threads.empty()) return;
  fmt::print("\nWho frees whose memory: objects by the thread that allocated (rows) and freed\n");
  fmt::print("  {:>8}", "");
  for (const std::uint32_t freed_by : threads) fmt::print(" {:>10}", freed_by);
  fmt::print("\n");
  for (const std::uint32_t allocated_by : threads) {
    fmt::print("  {:>8}", allocated_by);
    for (const std::uint32_t freed_by : threads) {
      const auto found = summary.frees.find({allocated_by, freed_by});
      fmt::print(" {:>10}", found == summary.frees.end() ? "." : count_text(found->second.objects));
    }
    fmt::print("\n");
  }
  if (summary.by_thread.size() > threads.size()) {
    fmt::print("  (the {} of {} threads that passed the most; --json has all)\n", threads.size(),
               summary.by_thread.size());
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

// What a trace says, for a terminal: one line, whatever it holds.
std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  return text;
}

std::string innermost(const SiteTable& table, std::uint32_t site) {
  const std::vector<SiteTable::Frame> stack = table.stack(site);
  return stack.empty() ? "(not known)" : one_line(table.text(stack.front()));
}

std::uint64_t total(const Summary& summary, std::uint64_t SiteUse::*measure) {
  std::uint64_t sum = 0;
  for (const SiteUse& use : summary.sites) sum += use.*measure;
  return sum;
}

void print_hot_sites(const SiteTable& table, const Summary& summary, std::size_t top) {
  for (const Heat& heat : kHeats) {
    fmt::print("\nHottest call sites by {}\n", heat.title);
    fmt::print("  {:>8} {:>12} {:>12} {:>7}  {}\n", "site", "bytes", "calls", "share",
               "innermost frame");
    const std::uint64_t all = total(summary, heat.measure);
    const bool live = heat.measure == &SiteUse::live_bytes_at_peak;
    for (const SiteUse& use : hottest(summary.sites, heat.measure, top)) {
      fmt::print("  {:>8} {:>12} {:>12} {:5.1f} %  {}\n", use.site,
                 bytes_text(live ? use.live_bytes_at_peak : use.requested_bytes), use.calls,
                 percent(use.*heat.measure, all), innermost(table, use.site));
    }
  }
  fmt::print("\nStacks of these sites, the innermost frame first\n");
  for (const SiteUse& use : hot_sites(summary, top)) {
    fmt::print("  site {}: {} in {} calls; live at the peak {} in {} objects; never freed {}\n",
               use.site, bytes_text(use.requested_bytes), use.calls,
               bytes_text(use.live_bytes_at_peak), use.live_objects_at_peak,
               bytes_text(use.unfreed_bytes));
    for (const SiteTable::Frame& frame : table.stack(use.site)) {
      fmt::print("      {}\n", one_line(table.text(frame)));
    }
  }
}

void print_peak(const char* what, const LivePoint& point) {
  fmt::print("  {:<14} {} in {} objects, after event {} at {}\n", what, bytes_text(point.bytes),
             point.objects, point.event, time_text(point.time_ns));
}

void print_header(const TraceReader& reader, const Summary& summary) {
  const TraceHeader& header = reader.header();
  const std::uint64_t file_bytes = reader.bytes_total().value_or(reader.bytes_read());
  fmt::print("{}: trace format {}.{}{}, {}\n", reader.path(), header.version_major,
             header.version_minor, header.streamed ? ", streamed" : "", bytes_text(file_bytes));
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

}  // namespace

void print_inspection(const TraceReader& reader, const Summary& summary, std::size_t top) {
  print_header(reader, summary);
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

  print_operations(summary);
  print_histogram("Sizes asked for", summary.sizes, bytes_text);
  print_alignments(summary);
  print_histogram("Lifetimes in events", summary.lifetimes_events, count_text);
  print_histogram("Lifetimes in time", summary.lifetimes_ns, time_text);
  print_resizes(summary.resizes);
  print_matrix(summary);
  print_curve(summary);
  if (reader.header().has_sites) print_hot_sites(reader.sites(), summary, top);
  fmt::print("\nProvenance\n{}\n", reader.header().provenance.dump(2));
}

}  // namespace replay::cli
