// The copies that a model draws.
//
// A block is played slot by slot, a slot for each event of the original, so the order of births and
// of what happens to them inside the block is the original's. What ends later than the block is due
// a number of events after the birth, as in the original, and the clock that tells is the number of
// events of the copy: it takes a slot in which the original had such an end, if there is one soon
// enough, and otherwise comes between two slots. A window lasts until the clock says that it has
// had its events.
#include <algorithm>
#include <queue>
#include <tuple>
#include <vector>

#include "replay/gen/agenda.h"
#include "replay/gen/model.h"

namespace replay::gen {
namespace {

// How many events from its due an end may come to take a slot, of a life of so many.
constexpr std::uint64_t slack_of(std::uint64_t lifetime) {
  constexpr std::uint64_t kMost = kBlockEvents;
  constexpr std::uint64_t kOfLife = 128;
  return std::min(kMost, lifetime / kOfLife);
}

// How many events before its due an end may come where nothing else happens for a block.
constexpr std::uint64_t kAhead = 4 * kBlockEvents;

class Copier {
 public:
  Copier(const Model& model, const CopyOptions& options, Random& random, Emitter& out)
      : model_(model), options_(options), random_(random), out_(out) {
    out.expect(model.events * options.scale * options.copies);
    drawn_.resize(options.copies);
  }

  void run() {
    for (std::size_t w = 0; w + 1 < model_.windows.size(); ++w) {
      for (std::uint64_t pass = 0; pass < options_.scale; ++pass) window(w);
    }
    while (!ends_.empty()) end_one();
  }

 private:
  struct Fate {
    std::uint64_t object;
    std::uint64_t born;  // event
    std::uint64_t born_slot;
    std::uint64_t ready;     // event from which on it may take a slot
    std::uint64_t late;      // when it comes in any case
    std::uint64_t lifetime;  // kNever
    std::uint32_t step;      // the next one
    std::uint32_t freed_by;
    std::uint32_t copy;
  };

  struct Later {
    bool operator()(const Fate& a, const Fate& b) const {
      return std::tie(a.ready, a.object) > std::tie(b.ready, b.object);
    }
  };

  // Its end is reckoned from the original's, so that blocks that go beyond it shift nothing.
  void window(std::size_t w) {
    const Model::Window& window = model_.windows[w];
    const std::uint64_t begin = end_;
    const std::uint64_t first_event = w * model_.window_events;
    end_ += window.events * options_.copies;
    landmark_ = std::lower_bound(
        model_.landmarks.begin(), model_.landmarks.end(), first_event,
        [](const Model::Landmark& l, std::uint64_t event) { return l.event < event; });
    const auto landmarks_to = [&](std::uint64_t clock) {
      for (;
           landmark_ != model_.landmarks.end() && landmark_->event < first_event + window.events &&
           begin + (landmark_->event - first_event) * options_.copies <= clock;
           ++landmark_) {
        for (std::uint32_t copy = 0; copy < options_.copies; ++copy) birth(landmark_->birth, copy);
      }
    };
    window_slot_ = slot_;
    window_clock_ = clock_;
    while (clock_ < end_) {
      draw_blocks(window.first_block, model_.windows[w + 1].first_block);
      play_blocks(landmarks_to);
    }
    landmarks_to(end_);
  }

  struct Drawn {
    std::uint64_t next_birth = 0;
    std::uint64_t last_birth = 0;
  };

  void draw_blocks(std::uint64_t first, std::uint64_t last) {
    for (Drawn& drawn : drawn_) {
      const std::uint64_t block = first + random_.below(last - first);
      drawn = {model_.blocks[block].first_birth, model_.blocks[block + 1].first_birth};
      block_time_ns_ = model_.blocks[block].time_ns;
    }
  }

  // One of each program, side by side.
  template <class Landmarks>
  void play_blocks(Landmarks landmarks_to) {
    const std::uint64_t began_ns = time_ns_;
    block_end_ = slot_ + kBlockEvents;
    for (std::uint64_t offset = 0; offset < kBlockEvents; ++offset, ++slot_) {
      out_.advance_to(began_ns + block_time_ns_ * offset / kBlockEvents);
      const std::uint64_t before = clock_;
      inside_.run_to(slot_, [this](const Fate& fate) { happen(fate); });
      landmarks_to(clock_);
      births_at(offset);
      while (is_due(0) && clock_ < before + options_.copies) end_one();
      while (is_due(0) && ends_.top().late <= clock_) {
        end_one();
        if (passed_ == 0) continue;
        --passed_;
        --clock_;
      }
      if (clock_ == before && idle()) let_pass();
    }
    time_ns_ = began_ns + block_time_ns_;
  }

  void births_at(std::uint64_t offset) {
    for (std::uint32_t copy = 0; copy < options_.copies; ++copy) {
      Drawn& drawn = drawn_[copy];
      for (;
           drawn.next_birth < drawn.last_birth && model_.births[drawn.next_birth].offset <= offset;
           ++drawn.next_birth) {
        birth(model_.births[drawn.next_birth], copy);
      }
    }
  }

  void birth(const Model::Birth& birth, std::uint32_t copy) {
    set_thread(birth.thread, copy);
    const std::uint64_t object = out_.birth(birth.op, birth.size, birth.align_log2);
    plan({object, clock_, slot_, 0, 0, birth.lifetime, birth.first_step, birth.freed_by, copy});
    ++clock_;
  }

  void plan(Fate fate) {
    std::uint64_t after =
        fate.step == Model::kNoStep ? fate.lifetime : model_.steps[fate.step].after;
    if (after == kNever) return;
    after = stretched(after, model_.window_events, options_.scale);
    if (fate.born_slot + after < block_end_) {
      inside_.put(fate.born_slot + after, fate);
      return;
    }
    const std::uint64_t slack = slack_of(after);
    fate.ready = fate.born + (after - slack) * options_.copies;
    fate.late = fate.born + (after + slack) * options_.copies;
    ends_.push(fate);
  }

  bool is_due(std::uint64_t ahead) const {
    return !ends_.empty() && ends_.top().ready <= clock_ + ahead;
  }

  void end_one() {
    const Fate fate = ends_.top();
    ends_.pop();
    happen(fate);
  }

  // Whether slots have run ahead of the clock by a block.
  bool idle() const {
    return (slot_ - window_slot_) * options_.copies >=
           clock_ - window_clock_ + kBlockEvents * options_.copies;
  }

  // The original ended here what was older, and all that could stand for it is due later: soon, and
  // it comes early, or not, and time passes without an event. An end that comes between two slots
  // makes up for that later.
  void let_pass() {
    if (is_due(kAhead * options_.copies)) {
      end_one();
    } else {
      ++clock_;
      ++passed_;
    }
  }

  void happen(Fate fate) {
    ++clock_;
    if (fate.step == Model::kNoStep) {
      set_thread(fate.freed_by, fate.copy);
      out_.free(fate.object);
      return;
    }
    const Model::Step& step = model_.steps[fate.step];
    set_thread(step.thread, fate.copy);
    out_.resize(fate.object, step.size);
    fate.step = step.next;
    plan(fate);
  }

  void set_thread(std::uint32_t thread, std::uint32_t copy) {
    out_.set_thread(copy * model_.threads + thread);
  }

  const Model& model_;
  const CopyOptions& options_;
  Random& random_;
  Emitter& out_;
  Agenda<Fate> inside_;  // by slot: what happens in the block of the birth
  std::priority_queue<Fate, std::vector<Fate>, Later> ends_;  // what happens later than that
  std::vector<Drawn> drawn_;                                  // one a copy
  std::vector<Model::Landmark>::const_iterator landmark_;
  std::uint64_t slot_ = 0;
  std::uint64_t block_end_ = 0;
  std::uint64_t window_slot_ = 0;  // where the window began
  std::uint64_t window_clock_ = 0;
  std::uint64_t clock_ = 0;  // events, of all programs side by side
  std::uint64_t passed_ = 0;
  std::uint64_t end_ = 0;  // of the windows so far
  std::uint64_t time_ns_ = 0;
  std::uint64_t block_time_ns_ = 0;
};

}  // namespace

void generate_copy(const Model& model, const CopyOptions& options, Random& random, Emitter& out) {
  Copier(model, options, random, out).run();
  out.flush();
}

}  // namespace replay::gen
