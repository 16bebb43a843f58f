#include "replay/floor/floor.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "replay/floor/lives.h"
#include "replay/trace/error.h"
#include "replay/trace/object_map.h"

namespace replay {
namespace {

void raise(Peak& peak, std::uint64_t amount, std::uint64_t event) {
  if (amount > peak.amount) peak = {amount, event};
}

// What is live, by the classes of one table.
class ClassUse {
 public:
  ClassUse(const ClassTable& table, std::uint64_t page_bytes)
      : table_(table), page_bytes_(page_bytes), counts_(table.sizes().size()) {
    floor_.table = table.name();
  }

  void add(std::uint64_t size) { change(size, 1); }
  void remove(std::uint64_t size) { change(size, ~std::uint64_t{0}); }
  void look(std::uint64_t event) {
    raise(floor_.bytes, bytes_, event);
    raise(floor_.pages, pages_, event);
  }
  const ClassFloor& floor() const { return floor_; }

 private:
  std::uint64_t pages_of(std::uint64_t bytes) const {
    return (bytes + page_bytes_ - 1) / page_bytes_;
  }

  // Adds so many objects, modulo 2^64.
  void change(std::uint64_t size, std::uint64_t objects) {
    const std::size_t index = table_.class_of(size);
    if (index == counts_.size()) {
      pages_ += objects * pages_of(size);
      bytes_ += objects * pages_of(size) * page_bytes_;
      return;
    }
    const std::uint64_t object_bytes = table_.sizes()[index];
    std::uint64_t& count = counts_[index];
    pages_ -= pages_of(count * object_bytes);
    count += objects;
    pages_ += pages_of(count * object_bytes);
    bytes_ += objects * object_bytes;
  }

  const ClassTable& table_;
  std::uint64_t page_bytes_;
  std::vector<std::uint64_t> counts_;  // live objects by class
  std::uint64_t bytes_ = 0;
  std::uint64_t pages_ = 0;
  ClassFloor floor_;
};

class FloorFinder {
 public:
  explicit FloorFinder(const FloorOptions& options) : options_(options) {
    floor_.page_bytes = options.page_bytes;
    floor_.first_event = options.from;
    for (const ClassTable& table : options.tables) uses_.emplace_back(table, options.page_bytes);
  }

  // Returns whether there is more to come.
  bool add(std::span<const Event> events) {
    for (std::size_t i = 0; i < events.size(); ++i) {
      if (event_ == options_.to) return false;
      if (event_ == options_.from) begin_measuring();
      prefetch_ahead(objects_, events, i);
      add(events[i]);
      if (measuring_) look(event_);
      ++event_;
    }
    return true;
  }

  Floor finish(const FloorProgress& progress) {
    floor_.last_event = event_;
    floor_.lives = lives_.count();
    objects_ = {};
    floor_.packing = best_packing(lives_, options_.page_bytes / kGranuleBytes,
                                  [&](int tactic) { progress(share_read_and(tactic), "packing"); });
    for (const ClassUse& use : uses_) floor_.classes.push_back(use.floor());
    return std::move(floor_);
  }

  bool measuring() const { return measuring_; }
  std::uint64_t events() const { return event_; }
  // Reading takes about as long as packing by one tactic.
  static double share_read_and(double tactics) {
    return (1 + tactics) / (1 + static_cast<double>(std::size(kTactics)));
  }

 private:
  struct Object {
    std::uint64_t size;
    std::uint32_t life;
    std::uint8_t align_log2;
  };

  void add(const Event& event) {
    if (is_birth(event.op)) {
      Object& object = *objects_.insert(event.object);
      object.align_log2 = event.op == Op::kAligned ? event.align_log2 : std::uint8_t{0};
      begin(object, event.size);
      return;
    }
    Object* const object = objects_.find(event.object);
    if (object == nullptr) {
      throw Error(
          fmt::format("event {}: {} of object {}, which is not live; the trace is not valid",
                      event_, op_name(event.op), event.object));
    }
    end(*object);
    if (event.op == Op::kFree) {
      objects_.erase(event.object);
    } else {
      object->align_log2 = 0;
      begin(*object, event.size);
    }
  }

  void begin(Object& object, std::uint64_t size) {
    object.size = size;
    live_ += size;
    if (size > kMostLiveBytes || live_ > kMostLiveBytes) {
      throw Error(fmt::format("event {}: more bytes are live than any address space has", event_));
    }
    aligned_ += granules_of(size) * kGranuleBytes;
    for (ClassUse& use : uses_) use.add(size);
    if (measuring_) object.life = lives_.begin(size, object.align_log2);
  }

  void end(const Object& object) {
    live_ -= object.size;
    aligned_ -= granules_of(object.size) * kGranuleBytes;
    for (ClassUse& use : uses_) use.remove(object.size);
    if (measuring_) lives_.end(object.life);
  }

  // What is live now has been there since any time, in the order in which it was born.
  void begin_measuring() {
    measuring_ = true;
    std::vector<std::uint64_t> ids;
    objects_.for_each([&](std::uint64_t id, const Object&) { ids.push_back(id); });
    std::sort(ids.begin(), ids.end());
    for (const std::uint64_t id : ids) {
      Object& object = *objects_.find(id);
      object.life = lives_.begin(object.size, object.align_log2);
    }
    look(event_ == 0 ? 0 : event_ - 1);
  }

  void look(std::uint64_t event) {
    raise(floor_.live_bytes, live_, event);
    raise(floor_.aligned_bytes, aligned_, event);
    for (ClassUse& use : uses_) use.look(event);
  }

  const FloorOptions& options_;
  Floor floor_;
  ObjectMap<Object> objects_;
  Lives lives_;
  std::vector<ClassUse> uses_;
  std::uint64_t event_ = 0;
  std::uint64_t live_ = 0;
  std::uint64_t aligned_ = 0;
  bool measuring_ = false;
};

}  // namespace

Floor find_floor(TraceReader& reader, const FloorOptions& options, const FloorProgress& progress) {
  FloorFinder finder(options);
  for (auto block = reader.next_block(); !block.empty(); block = reader.next_block()) {
    if (!finder.add(block)) break;
    const auto total = static_cast<double>(reader.bytes_total().value_or(UINT64_MAX));
    progress(FloorFinder::share_read_and(0) * static_cast<double>(reader.bytes_read()) / total,
             "reading");
  }
  if (!finder.measuring()) {
    throw Error(fmt::format("{}: no event in {}:{}; the trace has {} events", reader.path(),
                            options.from, options.to, finder.events()));
  }
  return finder.finish(progress);
}

}  // namespace replay
