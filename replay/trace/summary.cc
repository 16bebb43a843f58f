#include "replay/trace/summary.h"

#include <fmt/format.h>

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
  for (const Event& event : events) add(event);
}

Summarizer::Object& Summarizer::live_object(const Event& event) {
  const auto found = live_.find(event.object);
  if (found == live_.end()) {
    throw Error(fmt::format("event {}: {} of object {}, which is not live; the trace is not valid",
                            summary_.events, event.op == Op::kFree ? "free" : "realloc",
                            event.object));
  }
  return found->second;
}

void Summarizer::resize(Object* object, std::uint64_t size) {
  if (size > object->size) summary_.requested_bytes += size - object->size;
  live_bytes_ += size - object->size;
  object->size = size;
}

void Summarizer::add(const Event& event) {
  Summary& s = summary_;
  if (is_birth(event.op)) {
    const Object object{0, s.events, event.time_ns, event.thread};
    resize(&live_.insert_or_assign(event.object, object).first->second, event.size);
    ++s.objects;
  } else if (event.op == Op::kRealloc) {
    resize(&live_object(event), event.size);
  } else {
    Object& object = live_object(event);
    s.lifetimes_events.add(s.events - object.event);
    s.lifetimes_ns.add(event.time_ns - object.time_ns);
    if (object.thread != event.thread) ++s.cross_thread_frees;
    resize(&object, 0);
    live_.erase(event.object);
  }
  if (event.op != Op::kFree) s.sizes.add(event.size);
  ++s.by_op[static_cast<std::size_t>(event.op)];
  if (event.thread >= s.by_thread.size()) s.by_thread.resize(event.thread + std::size_t{1});
  ++s.by_thread[event.thread];

  s.end = {s.events, event.time_ns, live_bytes_, live_.size()};
  if (s.end.bytes > s.peak_bytes.bytes) s.peak_bytes = s.end;
  if (s.end.objects > s.peak_objects.objects) s.peak_objects = s.end;
  s.duration_ns = event.time_ns;
  if (s.events % stride_ == 0) add_point(s.end);
  ++s.events;
}

// The number of events is not known beforehand, so a full curve is thinned to every second point.
void Summarizer::add_point(const LivePoint& point) {
  std::vector<LivePoint>& curve = summary_.curve;
  if (curve.size() == kMaxPoints - 1) {
    for (std::size_t i = 0; 2 * i < curve.size(); ++i) curve[i] = curve[2 * i];
    curve.resize((curve.size() + 1) / 2);
    stride_ *= 2;
    if (point.event % stride_ != 0) return;
  }
  curve.push_back(point);
}

Summary Summarizer::result() const {
  Summary result = summary_;
  if (result.events != 0 && result.curve.back().event != result.end.event) {
    result.curve.push_back(result.end);
  }
  return result;
}

Summary summarize(TraceReader& reader) {
  Summarizer summarizer;
  for (auto block = reader.next_block(); !block.empty(); block = reader.next_block()) {
    summarizer.add(block);
  }
  return summarizer.result();
}

}  // namespace replay
