#include "replay/report/reference_metric.h"

#include <cmath>
#include <string_view>

#include "replay/report/statistics.h"

namespace replay {
namespace {

// Calls that take as many times as long wait for something else.
constexpr double kOtherThings = 10;

// "latency_ns_malloc_p" of "latency_ns_malloc_p999"; nothing of what is no quantile.
std::string_view quantile_stem(std::string_view key) {
  const std::size_t end = key.find_last_not_of("0123456789") + 1;
  const std::string_view stem = key.substr(0, end);
  return end < key.size() && stem.ends_with("_p") ? stem : std::string_view();
}

// How long it takes in the one session and the other; NaN if not in every repetition.
double log_level(const Metric& baseline, const Metric& subject) {
  return (std::log(median(baseline.samples)) + std::log(median(subject.samples))) / 2;
}

}  // namespace

ReferenceMetric reference_metric(const Metric& baseline, const Metric& subject,
                                 const RecordedAllocator& baseline_reference,
                                 const RecordedAllocator& subject_reference) {
  ReferenceMetric best{baseline_reference.find(subject.key), subject_reference.find(subject.key)};
  if (best.baseline == nullptr || best.subject == nullptr) return {};
  const std::string_view stem = quantile_stem(subject.key);
  if (stem.empty()) return best;
  const double level = log_level(baseline, subject);
  double least = std::abs(log_level(*best.baseline, *best.subject) - level);
  if (least < std::log(kOtherThings)) return best;
  if (std::isnan(least)) least = INFINITY;
  for (const Metric& metric : subject_reference.metrics) {
    const Metric* before = baseline_reference.find(metric.key);
    if (quantile_stem(metric.key) != stem || before == nullptr) continue;
    const double distance = std::abs(log_level(*before, metric) - level);
    if (distance < least) {
      least = distance;
      best = {before, &metric};
    }
  }
  return best;
}

}  // namespace replay
