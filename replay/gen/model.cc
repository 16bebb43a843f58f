#include "replay/gen/model.h"

#include <fmt/format.h>

#include <algorithm>

#include "replay/trace/error.h"
#include "replay/trace/object_map.h"

namespace replay::gen {
namespace {

constexpr std::uint64_t kLandmarksOfPeak = 1024;
constexpr std::uint64_t kFewOfBirths = 256;  // the blocks are to be the trace, not the landmarks

std::uint64_t landmark_bytes(std::uint64_t peak_bytes) {
  return std::max<std::uint64_t>(1, peak_bytes / kLandmarksOfPeak);
}

class Fitter {
 public:
  Fitter(const TraceReader& reader, const TraceExtent& extent, Random& random)
      : path_(reader.path()), random_(random) {
    if (extent.events == 0) throw Error(path_ + ": there are no events to fit a model to");
    model_.events = extent.events;
    model_.peak_bytes = extent.peak_bytes;
    model_.time_unit_ns = reader.header().time_unit_ns;
    const std::uint64_t blocks = (extent.events + kBlockEvents - 1) / kBlockEvents;
    model_.window_events =
        std::max((blocks + kMostWindows - 1) / kMostWindows, kLeastBlocks) * kBlockEvents;
    landmark_bytes_ = landmark_bytes(extent.peak_bytes);
    few_bytes_ = extent.few_bytes;
    keep_ = extent.births <= kMostBirths
                ? kWhole
                : static_cast<std::uint64_t>(Wide{kMostBirths} * kWhole / extent.births);
  }

  void add(const Event& event) {
    if (event_ % kBlockEvents == 0) begin_block(event.time_ns);
    model_.threads = std::max(model_.threads, event.thread + 1);
    if (is_birth(event.op)) {
      birth(event);
    } else {
      go_on(event);
    }
    last_time_ns_ = event.time_ns;
    ++event_;
  }

  Model finish() {
    end_block(last_time_ns_);
    model_.blocks.push_back({model_.births.size(), 0});
    model_.windows.push_back({model_.blocks.size() - 1, 0});
    take_out_landmarks();
    return std::move(model_);
  }

 private:
  struct Live {
    std::uint64_t birth;  // index into births
    std::uint64_t event;
    std::uint32_t last_step;
  };

  void begin_block(std::uint64_t time_ns) {
    if (event_ != 0) end_block(time_ns);
    const bool new_window = event_ % model_.window_events == 0;
    if (new_window) {
      model_.windows.push_back(
          {model_.blocks.size(), std::min(model_.window_events, model_.events - event_)});
    }
    keeping_ = new_window || random_.chance(keep_);
    block_time_ns_ = time_ns;
    if (keeping_) model_.blocks.push_back({model_.births.size(), 0});
  }

  void end_block(std::uint64_t time_ns) {
    if (keeping_) model_.blocks.back().time_ns = time_ns - block_time_ns_;
  }

  void birth(const Event& event) {
    // A landmark may turn out to be one only later, by a resize; blocks that are not kept are few.
    if (!keeping_ && event.size < landmark_bytes_) return;
    if (model_.births.size() >= UINT32_MAX) throw Error(path_ + ": too many births to fit");
    *live_.insert(event.object) = {model_.births.size(), event_, Model::kNoStep};
    event_of_birth_.push_back(event_);
    kept_.push_back(keeping_);
    model_.births.push_back({event.size, kNever, event.thread, 0, Model::kNoStep,
                             static_cast<std::uint16_t>(event_ % kBlockEvents), event.op,
                             event.align_log2});
  }

  void go_on(const Event& event) {
    Live* const found = live_.find(event.object);
    if (found == nullptr) return;
    Live& live = *found;
    Model::Birth& birth = model_.births[live.birth];
    if (event.op == Op::kFree) {
      birth.lifetime = event_ - live.event;
      birth.freed_by = event.thread;
      live_.erase(event.object);
      return;
    }
    const auto step = static_cast<std::uint32_t>(model_.steps.size());
    model_.steps.push_back({event_ - live.event, event.size, event.thread, Model::kNoStep});
    (live.last_step == Model::kNoStep ? birth.first_step : model_.steps[live.last_step].next) =
        step;
    live.last_step = step;
  }

  bool is_landmark(const Model::Birth& birth) const {
    std::uint64_t largest = birth.size;
    for (std::uint32_t i = birth.first_step; i != Model::kNoStep; i = model_.steps[i].next) {
      largest = std::max(largest, model_.steps[i].size);
    }
    return largest >= few_bytes_ ||
           (largest >= landmark_bytes_ && birth.lifetime > model_.window_events);
  }

  void take_out_landmarks() {
    std::vector<Model::Birth> ordinary;
    std::size_t block = 0;
    for (std::size_t i = 0; i <= model_.births.size(); ++i) {
      for (; block < model_.blocks.size() && model_.blocks[block].first_birth == i; ++block) {
        model_.blocks[block].first_birth = ordinary.size();
      }
      if (i == model_.births.size()) break;
      if (is_landmark(model_.births[i])) {
        model_.landmarks.push_back({event_of_birth_[i], model_.births[i]});
      } else if (kept_[i]) {
        ordinary.push_back(model_.births[i]);
      }
    }
    model_.births = std::move(ordinary);
  }

  std::string path_;
  Random& random_;
  Model model_;
  ObjectMap<Live> live_;
  std::vector<std::uint64_t> event_of_birth_;
  std::vector<bool> kept_;  // of each birth: whether its block is
  std::uint64_t landmark_bytes_ = 0;
  std::uint64_t few_bytes_ = 0;
  std::uint64_t keep_ = kWhole;  // of the blocks
  std::uint64_t event_ = 0;
  std::uint64_t block_time_ns_ = 0;
  std::uint64_t last_time_ns_ = 0;
  bool keeping_ = false;
};

}  // namespace

TraceExtent extent_of(const Marginals& m) {
  std::uint64_t least = landmark_bytes(m.peak_bytes);
  std::uint64_t as_large = 0;
  for (std::size_t i = FineHistogram::kBuckets; i-- > FineHistogram::bucket_of(least);) {
    as_large += m.sizes.weight(i);
    if (as_large <= m.births / kFewOfBirths) continue;
    least = FineHistogram::least(i + 1);
    break;
  }
  return {m.events, m.births, m.peak_bytes, least};
}

Model fit_model(TraceReader& reader, const TraceExtent& extent, Random& random) {
  Fitter fitter(reader, extent, random);
  for (auto events = reader.next_block(); !events.empty(); events = reader.next_block()) {
    for (const Event& event : events) fitter.add(event);
  }
  return fitter.finish();
}

}  // namespace replay::gen
