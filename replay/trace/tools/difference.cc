#include "replay/trace/tools/difference.h"

#include <algorithm>
#include <cmath>

namespace replay {
namespace {

// Live bytes as a share of the peak at `share` of the events: that of the last point not after it.
double level_at(const Summary& summary, double share) {
  const double event = share * static_cast<double>(summary.events - 1);
  const auto after = std::upper_bound(
      summary.curve.begin(), summary.curve.end(), event,
      [](double at, const LivePoint& point) { return at < static_cast<double>(point.event); });
  const LivePoint& point = after == summary.curve.begin() ? *after : *(after - 1);
  return static_cast<double>(point.bytes) / static_cast<double>(summary.peak_bytes.bytes);
}

double per_event(std::uint64_t part, const Summary& summary) {
  return summary.events == 0 ? 0 : static_cast<double>(part) / static_cast<double>(summary.events);
}

double share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

std::uint64_t count(const Summary& summary, Op op) {
  return summary.by_op[static_cast<std::size_t>(op)];
}

}  // namespace

bool Difference::same() const {
  return std::all_of(figures.begin(), figures.end(), [](const auto& f) { return f.a == f.b; }) &&
         std::all_of(distributions.begin(), distributions.end(),
                     [](const auto& d) { return d.distance.value_or(0) == 0; });
}

std::optional<double> distance(const Log2Histogram& a, const Log2Histogram& b) {
  if (a.total() == 0 || b.total() == 0) return std::nullopt;
  std::uint64_t up_to_a = 0;
  std::uint64_t up_to_b = 0;
  double greatest = 0;
  for (int i = 0; i < Log2Histogram::kBuckets; ++i) {
    up_to_a += a.count(i);
    up_to_b += b.count(i);
    greatest = std::max(greatest, std::abs(share(up_to_a, a.total()) - share(up_to_b, b.total())));
  }
  return greatest;
}

std::optional<double> curve_distance(const Summary& a, const Summary& b) {
  if (a.peak_bytes.bytes == 0 || b.peak_bytes.bytes == 0) return std::nullopt;
  constexpr int kSteps = 100;
  double greatest = 0;
  for (int i = 0; i <= kSteps; ++i) {
    const double at = static_cast<double>(i) / kSteps;
    greatest = std::max(greatest, std::abs(level_at(a, at) - level_at(b, at)));
  }
  return greatest;
}

Difference difference(const Summary& a, const Summary& b) {
  Difference result;
  const auto add = [&](const char* name, auto figure) {
    result.figures.push_back(
        {name, static_cast<double>(figure(a)), static_cast<double>(figure(b))});
  };
  add("events", [](const Summary& s) { return s.events; });
  add("objects", [](const Summary& s) { return s.objects; });
  add("threads", [](const Summary& s) { return s.by_thread.size(); });
  add("duration_ns", [](const Summary& s) { return s.duration_ns; });
  add("requested_bytes", [](const Summary& s) { return s.requested_bytes; });
  add("peak_live_bytes", [](const Summary& s) { return s.peak_bytes.bytes; });
  add("peak_live_objects", [](const Summary& s) { return s.peak_objects.objects; });
  add("unfreed_bytes", [](const Summary& s) { return s.end.bytes; });
  add("unfreed_objects", [](const Summary& s) { return s.end.objects; });
  add("mean_bytes_per_object",
      [](const Summary& s) { return share(s.requested_bytes, s.objects); });
  constexpr const char* kShares[kOpCount] = {"malloc_share", "calloc_share", "aligned_share",
                                             "realloc_share", "free_share"};
  for (int op = 0; op < kOpCount; ++op) {
    add(kShares[op],
        [op](const Summary& s) { return per_event(count(s, static_cast<Op>(op)), s); });
  }
  add("cross_thread_free_share",
      [](const Summary& s) { return share(s.cross_thread_frees, count(s, Op::kFree)); });
  add("realloc_grown_bytes", [](const Summary& s) { return s.resizes.grown_bytes; });
  result.distributions = {
      {"sizes", distance(a.sizes, b.sizes)},
      {"lifetimes_events", distance(a.lifetimes_events, b.lifetimes_events)},
      {"lifetimes_ns", distance(a.lifetimes_ns, b.lifetimes_ns)},
      {"resizes_per_object", distance(a.resizes.per_object, b.resizes.per_object)},
      {"live_bytes_curve", curve_distance(a, b)},
  };
  return result;
}

}  // namespace replay
