#include "replay/engine/recorded_touch.h"

#include <fmt/format.h>

#include <algorithm>

#include "replay/trace/error.h"
#include "replay/trace/object_map.h"

namespace replay {
namespace {

constexpr std::uint64_t pages_of(std::uint64_t size) {
  return size / kTouchedPageBytes + (size % kTouchedPageBytes != 0 ? 1 : 0);
}

class PartReader {
 public:
  void add(const Event& event) {
    if (is_birth(event.op)) {
      *sizes_.insert(event.object) = {event_, event.size, kAllPagesBefore};
    } else {
      Sized& sized = live(event);
      const bool whole = event.touched == 0 || event.touched - 1 >= pages_of(sized.size);
      end(sized, whole ? kAllPages : event.touched - 1);
      if (event.op == Op::kFree) {
        sizes_.erase(event.object);
      } else {
        sized = {event_, event.size, whole ? kAllPagesBefore : event.touched - 1};
      }
    }
    ++event_;
  }

  std::vector<TouchedPart> finish() {
    sizes_.for_each([this](std::uint64_t, const Sized& sized) { end(sized, kAllPages); });
    std::sort(parts_.begin(), parts_.end(),
              [](const TouchedPart& a, const TouchedPart& b) { return a.event < b.event; });
    return std::move(parts_);
  }

 private:
  // An object while it has one size.
  struct Sized {
    std::uint64_t since = 0;  // the event
    std::uint64_t size = 0;
    std::uint32_t pages_before = kAllPagesBefore;
  };

  Sized& live(const Event& event) {
    Sized* const sized = sizes_.find(event.object);
    if (sized == nullptr) {
      throw Error(
          fmt::format("event {} is of object {}, which is not live; the trace is not "
                      "consistent, record it again",
                      event_, event.object));
    }
    return *sized;
  }

  void end(const Sized& sized, std::uint64_t pages) {
    if (pages == kAllPages && sized.pages_before == kAllPagesBefore) return;
    parts_.push_back({sized.since, touched_part_word(sized.pages_before, pages)});
  }

  ObjectMap<Sized> sizes_;
  std::vector<TouchedPart> parts_;
  std::uint64_t event_ = 0;
};

}  // namespace

std::vector<TouchedPart> read_touched_parts(TraceReader& trace,
                                            const std::function<void()>& after_block) {
  if (!trace.header().has_touched) {
    throw Error(trace.path() +
                ": does not say how much of each block was touched; record it with --residency, or "
                "replay it with --touch page");
  }
  PartReader parts;
  for (auto block = trace.next_block(); !block.empty(); block = trace.next_block()) {
    for (const Event& event : block) parts.add(event);
    after_block();
  }
  return parts.finish();
}

}  // namespace replay
