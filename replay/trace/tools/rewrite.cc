#include "replay/trace/tools/rewrite.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "replay/trace/error.h"
#include "replay/trace/tools/renumber.h"

namespace replay {
namespace {

class Rewriter {
 public:
  explicit Rewriter(TraceWriter& to) : to_(to) {}

  void put(Renumbering& numbers, Event event) {
    if (numbers.apply(&event)) {
      to_.append(event);
      ++counts_.written;
    } else {
      leave_out(event);
    }
  }
  void leave_out(const Event& event) {
    ++(is_birth(event.op)         ? counts_.births_left_out
       : event.op == Op::kRealloc ? counts_.reallocs_left_out
                                  : counts_.frees_left_out);
  }

  RewriteCounts& counts() { return counts_; }
  NextNumbers* next() { return &next_; }

 private:
  TraceWriter& to_;
  NextNumbers next_;
  RewriteCounts counts_;
};

// Calls visit(event) until the end, or until it returns false.
template <class Visit>
void for_each_event(TraceReader& from, Rewriter& rewriter, const RewriteProgress& progress,
                    Visit visit) {
  for (auto block = from.next_block(); !block.empty(); block = from.next_block()) {
    for (const Event& event : block) {
      if (!visit(event)) return;
      ++rewriter.counts().read;
    }
    progress();
  }
}

// What lives at some point of a trace, as births of that moment.
class LiveBirths {
 public:
  void add(const Event& event) {
    if (is_birth(event.op)) {
      *live_.insert(event.object) = event;
    } else if (event.op == Op::kFree) {
      live_.erase(event.object);
    } else if (Event* const birth = live_.find(event.object)) {
      birth->size = event.size;
    }
  }
  std::vector<Event> at(std::uint64_t time_ns) const {
    std::vector<Event> births;
    births.reserve(live_.size());
    live_.for_each([&](std::uint64_t, const Event& birth) { births.push_back(birth); });
    std::sort(births.begin(), births.end(),
              [](const Event& a, const Event& b) { return a.object < b.object; });
    for (Event& birth : births) birth.time_ns = time_ns;
    return births;
  }

 private:
  ObjectMap<Event> live_;
};

// An event as the merged trace has it, but for objects and threads.
Event placed(const MergeSource& source, Event event) {
  if (event.time_ns > std::numeric_limits<std::uint64_t>::max() - source.delay_ns) {
    throw Error(fmt::format("{}: its times, {} ns later, do not fit 64 bits", source.reader->path(),
                            source.delay_ns));
  }
  event.time_ns += source.delay_ns;
  const bool fits = event.site <= std::numeric_limits<std::uint32_t>::max() - source.sites_before;
  event.site = event.site == 0 || !fits ? 0 : event.site + source.sites_before;
  return event;
}

// A source of merge_by_time, with the event that is its turn.
class Queue {
 public:
  Queue(const MergeSource& source, NextNumbers* next) : source_(source), numbers_(next) { load(); }

  bool empty() const { return block_.empty(); }
  const Event& front() const { return event_; }
  Renumbering& numbers() { return numbers_; }
  // Returns true if a block was finished.
  bool pop() {
    if (++at_ < block_.size()) {
      take();
      return false;
    }
    load();
    return true;
  }

 private:
  void load() {
    block_ = source_.reader->next_block();
    at_ = 0;
    if (!block_.empty()) take();
  }
  void take() { event_ = placed(source_, block_[at_]); }

  MergeSource source_;
  Renumbering numbers_;
  std::span<const Event> block_;
  std::size_t at_ = 0;
  Event event_;
};

}  // namespace

RewriteCounts copy_valid(TraceReader& from, TraceWriter& to, const RewriteProgress& progress) {
  Rewriter rewriter(to);
  Renumbering numbers(rewriter.next());
  for_each_event(from, rewriter, progress, [&](const Event& event) {
    if (event.op == Op::kRealloc && event.size == 0) {
      rewriter.leave_out(event);
    } else {
      rewriter.put(numbers, event);
    }
    return true;
  });
  return rewriter.counts();
}

RewriteCounts slice(TraceReader& from, TraceWriter& to, const Window& window,
                    const RewriteProgress& progress) {
  Rewriter rewriter(to);
  Renumbering numbers(rewriter.next());
  LiveBirths before;
  const bool whole = window.born_before == BornBefore::kAtStart;
  std::uint64_t index = whole ? 0 : from.seek(window.from);
  for_each_event(from, rewriter, progress, [&](const Event& event) {
    if (index >= window.to) return false;
    if (index < window.from) {
      if (whole) before.add(event);
    } else {
      if (index == window.from && whole) {
        for (const Event& birth : before.at(event.time_ns)) {
          rewriter.put(numbers, birth);
          ++rewriter.counts().births_put_in;
        }
        before = {};
      }
      rewriter.put(numbers, event);
    }
    ++index;
    return true;
  });
  return rewriter.counts();
}

RewriteCounts filter(TraceReader& from, TraceWriter& to,
                     const std::function<bool(const Event& birth)>& keep,
                     const RewriteProgress& progress) {
  Rewriter rewriter(to);
  Renumbering numbers(rewriter.next());
  for_each_event(from, rewriter, progress, [&](const Event& event) {
    if (is_birth(event.op) && !keep(event)) {
      rewriter.leave_out(event);
    } else {
      rewriter.put(numbers, event);
    }
    return true;
  });
  return rewriter.counts();
}

RewriteCounts merge_by_time(const std::vector<MergeSource>& sources, TraceWriter& to,
                            const RewriteProgress& progress) {
  Rewriter rewriter(to);
  std::vector<std::unique_ptr<Queue>> queues;
  for (const MergeSource& source : sources) {
    queues.push_back(std::make_unique<Queue>(source, rewriter.next()));
  }
  while (true) {
    Queue* first = nullptr;
    for (const auto& queue : queues) {
      if (queue->empty()) continue;
      if (first == nullptr || queue->front().time_ns < first->front().time_ns) first = queue.get();
    }
    if (first == nullptr) return rewriter.counts();
    rewriter.put(first->numbers(), first->front());
    ++rewriter.counts().read;
    if (first->pop()) progress();
  }
}

RewriteCounts concatenate(const std::vector<MergeSource>& sources, TraceWriter& to,
                          const RewriteProgress& progress) {
  Rewriter rewriter(to);
  std::uint64_t end_ns = 0;
  for (MergeSource source : sources) {
    Renumbering numbers(rewriter.next());
    source.delay_ns += end_ns;
    for_each_event(*source.reader, rewriter, progress, [&](const Event& event) {
      const Event at_its_place = placed(source, event);
      end_ns = at_its_place.time_ns;
      rewriter.put(numbers, at_its_place);
      return true;
    });
  }
  return rewriter.counts();
}

}  // namespace replay
