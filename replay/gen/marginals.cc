#include "replay/gen/marginals.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "replay/trace/error.h"

namespace replay::gen {

double FineHistogram::total() const {
  double sum = 0;
  for (const std::uint64_t weight : weights_) sum += static_cast<double>(weight);
  return sum;
}

double kolmogorov_smirnov(const FineHistogram& a, const FineHistogram& b) {
  const double total_a = a.total();
  const double total_b = b.total();
  if (total_a == 0 || total_b == 0) return total_a == total_b ? 0 : 1;
  double below_a = 0;
  double below_b = 0;
  double greatest = 0;
  for (std::size_t i = 0; i < FineHistogram::kBuckets; ++i) {
    below_a += static_cast<double>(a.weight(i)) / total_a;
    below_b += static_cast<double>(b.weight(i)) / total_b;
    greatest = std::max(greatest, std::fabs(below_a - below_b));
  }
  return greatest;
}

double Marginals::mean_bytes(std::uint64_t from, std::uint64_t to) const {
  const auto at = [this](std::uint64_t event) {
    const auto after = std::upper_bound(
        curve.begin(), curve.end(), event,
        [](std::uint64_t wanted, const CurvePoint& point) { return wanted < point.event; });
    return after == curve.begin() ? after : std::prev(after);
  };
  if (curve.empty()) return 0;
  const auto first = at(from);
  const auto last = at(to);
  if (first == last) return static_cast<double>(first->bytes);
  return (last->area - first->area) / static_cast<double>(last->event - first->event);
}

void MarginalsMeter::add(std::span<const Event> events) {
  for (std::size_t i = 0; i < events.size(); ++i) {
    prefetch_ahead(live_, events, i);
    add(events[i]);
  }
}

// Ends a stretch of the object's life in which it had one size.
void MarginalsMeter::resize(Object& object, std::uint64_t size) {
  marginals_.live_sizes.add(object.size, marginals_.events - object.resized);
  live_bytes_ += size - object.size;
  object.size = size;
  object.resized = marginals_.events;
}

void MarginalsMeter::add(const Event& event) {
  Marginals& m = marginals_;
  if (is_birth(event.op)) {
    *live_.insert(event.object) = {m.events, m.events, event.size, event.thread, 0};
    live_bytes_ += event.size;
    m.sizes.add(event.size);
    ++m.births;
  } else {
    Object* const found = live_.find(event.object);
    if (found == nullptr) {
      throw Error(fmt::format("event {}: object {} is not live; the trace is not valid", m.events,
                              event.object));
    }
    Object& object = *found;
    if (event.op == Op::kRealloc) {
      const double ratio = static_cast<double>(event.size) /
                           static_cast<double>(std::max<std::uint64_t>(1, object.size));
      m.resize_ratios.add(static_cast<std::uint64_t>(std::min(ratio * 64, 1e15)));
      ++object.resizes;
      resize(object, event.size);
    } else {
      resize(object, 0);
      m.lifetimes.add(m.events - object.born);
      m.resizes.add(object.resizes);
      ++m.edges[{object.thread, event.thread}];
      live_.erase(event.object);
    }
  }
  ++m.by_op[static_cast<std::size_t>(event.op)];
  if (event.thread >= m.by_thread.size()) m.by_thread.resize(event.thread + std::size_t{1});
  ++m.by_thread[event.thread];
  m.peak_bytes = std::max(m.peak_bytes, live_bytes_);
  if (m.events % stride_ == 0) add_point();
  area_ += static_cast<double>(live_bytes_);
  ++m.events;
}

// The number of events is not known beforehand, so a full curve is thinned to every second point.
void MarginalsMeter::add_point() {
  constexpr std::size_t kMostPoints = 4096;
  std::vector<CurvePoint>& curve = marginals_.curve;
  if (curve.size() == kMostPoints) {
    for (std::size_t i = 0; 2 * i < curve.size(); ++i) curve[i] = curve[2 * i];
    curve.resize(kMostPoints / 2);
    stride_ *= 2;
    if (marginals_.events % stride_ != 0) return;
  }
  curve.push_back({marginals_.events, live_bytes_, area_});
}

Marginals MarginalsMeter::finish() {
  live_.for_each([this](std::uint64_t, const Object& object) {
    marginals_.live_sizes.add(object.size, marginals_.events - object.resized);
    marginals_.lifetimes.add(Marginals::kForEver);
    marginals_.resizes.add(object.resizes);
  });
  return std::move(marginals_);
}

}  // namespace replay::gen
