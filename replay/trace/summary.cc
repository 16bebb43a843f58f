#include "replay/trace/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "replay/trace/error.h"

namespace replay {

std::uint64_t Log2Histogram::total() const {
  return std::accumulate(counts_.begin(), counts_.end(), std::uint64_t{0});
}

int Log2Histogram::begin() const {
  int bucket = 0;
  while (bucket < end() && count(bucket) == 0) ++bucket;
  return bucket;
}

int Log2Histogram::end() const {
  int bucket = kBuckets;
  while (bucket > 0 && count(bucket - 1) == 0) --bucket;
  return bucket;
}

void Summarizer::add(std::span<const Event> events) {
  for (std::size_t i = 0; i < events.size(); ++i) {
    prefetch_ahead(live_, events, i);
    add(events[i]);
  }
}

Summarizer::Object& Summarizer::live_object(const Event& event) {
  Object* const object = live_.find(event.object);
  if (object == nullptr) {
    throw Error(fmt::format("event {}: {} of object {}, which is not live; the trace is not valid",
                            summary_.events, event.op == Op::kFree ? "free" : "realloc",
                            event.object));
  }
  return *object;
}

void Summarizer::add_thread(const Event& event) {
  if (event.thread > summary_.by_thread.size()) {
    throw Error(fmt::format("event {}: the next new thread is {}, not {}; the trace is not valid",
                            summary_.events, summary_.by_thread.size(), event.thread));
  }
  summary_.by_thread.push_back(0);
  own_frees_.emplace_back();
}

void Summarizer::realloc(Object* object, std::uint64_t size) {
  Resizes& r = summary_.resizes;
  const std::uint64_t old = object->size;
  if (object->resizes++ == 0) ++r.objects;
  r.kept_bytes += std::min(old, size);
  if (size > old) {
    r.grown_bytes += size - old;
    summary_.requested_bytes += size - old;
    const double percent = 100.0 * static_cast<double>(size) / static_cast<double>(old);
    std::size_t bucket = 0;
    while (bucket < Resizes::kGrowthPercent.size() &&
           percent > static_cast<double>(Resizes::kGrowthPercent[bucket])) {
      ++bucket;
    }
    ++(old == 0 ? r.from_empty : r.grown[bucket]);
  } else {
    r.shrunk_bytes += old - size;
    ++(size == old ? r.same : r.shrunk);
  }
  live_bytes_ += size - old;
  object->size = size;
}

void Summarizer::free(const Object& object, const Event& event) {
  Summary& s = summary_;
  s.lifetimes_events.add(s.events - object.event);
  s.lifetimes_ns.add(event.time_ns - object.time_ns);
  if (object.resizes != 0) s.resizes.per_object.add(object.resizes);
  const bool own = object.thread == event.thread;
  FreeCount& count = own ? own_frees_[event.thread]
                         : cross_frees_[std::uint64_t{object.thread} << 32 | event.thread];
  ++count.objects;
  count.bytes += object.size;
  s.cross_thread_frees += own ? 0 : 1;
  live_bytes_ -= object.size;
}

void Summarizer::add(const Event& event) {
  Summary& s = summary_;
  if (event.thread >= s.by_thread.size()) add_thread(event);
  if (is_birth(event.op)) {
    *live_.insert(event.object) = {event.size, s.events, event.time_ns, event.thread, 0};
    live_bytes_ += event.size;
    s.requested_bytes += event.size;
    ++s.objects;
    if (event.op == Op::kAligned) ++s.alignments[event.align_log2 & 63U];
  } else if (event.op == Op::kRealloc) {
    realloc(&live_object(event), event.size);
  } else {
    free(live_object(event), event);
    live_.erase(event.object);
  }
  if (event.op != Op::kFree) s.sizes.add(event.size);
  ++s.by_op[static_cast<std::size_t>(event.op)];
  ++s.by_thread[event.thread];

  s.end = {s.events, event.time_ns, live_bytes_, live_.size()};
  if (s.end.bytes > s.peak_bytes.bytes) s.peak_bytes = s.end;
  if (s.end.objects > s.peak_objects.objects) s.peak_objects = s.end;
  s.duration_ns = event.time_ns;
  if (s.events == next_point_) add_point(s.end);
  ++s.events;
}

// The number of events is not known beforehand, so a full curve is thinned to every second point.
void Summarizer::add_point(const LivePoint& point) {
  std::vector<LivePoint>& curve = summary_.curve;
  if (curve.size() == kMaxPoints - 1) {
    for (std::size_t i = 0; 2 * i < curve.size(); ++i) curve[i] = curve[2 * i];
    curve.resize((curve.size() + 1) / 2);
    stride_ *= 2;
  }
  if (point.event % stride_ == 0) curve.push_back(point);
  next_point_ = (point.event / stride_ + 1) * stride_;
}

Summary Summarizer::result() const {
  Summary result = summary_;
  if (result.events != 0 && result.curve.back().event != result.end.event) {
    result.curve.push_back(result.end);
  }
  for (std::uint32_t thread = 0; thread < own_frees_.size(); ++thread) {
    if (own_frees_[thread].objects != 0) result.frees[{thread, thread}] = own_frees_[thread];
  }
  for (const auto& [pair, count] : cross_frees_) {
    result.frees[{static_cast<std::uint32_t>(pair >> 32), static_cast<std::uint32_t>(pair)}] =
        count;
  }
  return result;
}

Summary summarize(TraceReader& reader, const std::function<void()>& after_block) {
  Summarizer summarizer;
  SiteSummarizer sites;
  for (auto block = reader.next_block(); !block.empty(); block = reader.next_block()) {
    summarizer.add(block);
    if (reader.header().has_sites) sites.add(block);
    after_block();
  }
  Summary summary = summarizer.result();
  summary.sites = sites.result();
  return summary;
}

}  // namespace replay
