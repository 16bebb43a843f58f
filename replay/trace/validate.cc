#include "replay/trace/validate.h"

#include <fmt/format.h>

namespace replay {

std::string Validator::violation_of(const Event& event) const {
  if (event.op > Op::kFree) return fmt::format("unknown op {}", static_cast<int>(event.op));
  if (event.time_ns < last_time_ns_) {
    return fmt::format("time {} ns is before {} ns of the event before", event.time_ns,
                       last_time_ns_);
  }
  if (event.thread > result_.threads) {
    return fmt::format("the next new thread is {}, not {}", result_.threads, event.thread);
  }
  if (is_birth(event.op)) {
    if (event.object == result_.objects) return {};
    return fmt::format("the next object is {}, not {}", result_.objects, event.object);
  }
  const char* const what = event.op == Op::kFree ? "free" : "realloc";
  if (event.object >= result_.objects) {
    return fmt::format("{} of object {}, which is not born yet", what, event.object);
  }
  if (live_.find(event.object) == nullptr) {
    return fmt::format("{} of object {}, which was freed before", what, event.object);
  }
  if (event.op == Op::kRealloc && event.size == 0) {
    return fmt::format("realloc of object {} to 0 bytes, which would be a free", event.object);
  }
  return {};
}

bool Validator::feed(std::span<const Event> events) {
  for (const Event& event : events) {
    if (!result_.ok()) return false;
    result_.violation = violation_of(event);
    if (!result_.ok()) return false;
    last_time_ns_ = event.time_ns;
    if (event.thread == result_.threads) ++result_.threads;
    if (is_birth(event.op)) {
      live_.insert(event.object);
      ++result_.objects;
    } else if (event.op == Op::kRealloc) {
      ++result_.reallocs;
    } else {
      live_.erase(event.object);
      ++result_.frees;
    }
    ++result_.events;
  }
  return result_.ok();
}

void Validator::expect_counts(const TraceHeader& header) {
  if (!result_.ok()) return;
  const auto expect = [this](const char* what, std::uint64_t counted, std::uint64_t said) {
    if (counted != said && result_.ok()) {
      result_.violation = fmt::format("{} {}, but the header says {}", counted, what, said);
    }
  };
  expect("events", result_.events, header.event_count);
  expect("objects", result_.objects, header.object_count);
  expect("threads", result_.threads, header.thread_count);
}

Validation validate(TraceReader& reader) {
  Validator validator;
  for (auto block = reader.next_block(); !block.empty(); block = reader.next_block()) {
    if (!validator.feed(block)) return validator.result();
  }
  if (!reader.truncated() && reader.header().complete) validator.expect_counts(reader.header());
  return validator.result();
}

}  // namespace replay
