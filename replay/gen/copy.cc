// The copies that a model draws.
//
// Time here is a slot for each event of the original. A birth stands at its block's slot; what
// happens to the object inside the block follows at its exact slot, so that the local order is the
// original's. What ends later than the block waits for a slot that is free (one where the original
// had such an end), but not for long.
#include <algorithm>
#include <deque>
#include <vector>

#include "replay/gen/agenda.h"
#include "replay/gen/model.h"

namespace replay::gen {
namespace {

constexpr std::size_t kPatience = 8;  // ends that may wait, for each program side by side

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
    while (!waiting_.empty()) end_one();
  }

 private:
  struct Fate {
    std::uint64_t object;
    std::uint64_t born;  // slot
    std::uint64_t dies;  // slot, or kNever
    std::uint32_t step;  // the next one
    std::uint32_t freed_by;
    std::uint32_t copy;
    bool own;  // inside its block
  };

  void window(std::size_t w) {
    const Model::Window& window = model_.windows[w];
    const std::uint64_t end = slot_ + window.events;
    const std::uint64_t first_event = w * model_.window_events;
    auto landmark = std::lower_bound(
        model_.landmarks.begin(), model_.landmarks.end(), first_event,
        [](const Model::Landmark& l, std::uint64_t event) { return l.event < event; });
    for (std::uint64_t event = first_event; slot_ < end;) {
      draw_blocks(window.first_block, model_.windows[w + 1].first_block);
      const std::uint64_t began = time_ns_;
      const std::uint64_t block_end = std::min(slot_ + kBlockEvents, end);
      block_end_ = slot_ + kBlockEvents;
      for (std::uint64_t offset = 0; slot_ < block_end; ++offset, ++event, ++slot_) {
        out_.advance_to(began + block_time_ns_ * offset / kBlockEvents);
        emitted_ = 0;
        agenda_.run_to(slot_, [this](const Fate& fate) { due(fate); });
        for (; landmark != model_.landmarks.end() && landmark->event == event; ++landmark) {
          for (std::uint32_t copy = 0; copy < options_.copies; ++copy) birth(landmark->birth, copy);
        }
        births_at(offset);
        while (!waiting_.empty() &&
               (emitted_ < options_.copies || waiting_.size() > kPatience * options_.copies)) {
          end_one();
        }
      }
      time_ns_ = began + block_time_ns_;
    }
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

  std::uint64_t after(std::uint64_t events) const {
    return stretched(events, model_.window_events, options_.scale);
  }

  void birth(const Model::Birth& birth, std::uint32_t copy) {
    set_thread(birth.thread, copy);
    const std::uint64_t object = out_.birth(birth.op, birth.size, birth.align_log2);
    ++emitted_;
    const std::uint64_t dies = birth.lifetime == kNever ? kNever : slot_ + after(birth.lifetime);
    plan({object, slot_, dies, birth.first_step, birth.freed_by, copy, false});
  }

  void plan(Fate fate) {
    const std::uint64_t slot =
        fate.step == Model::kNoStep ? fate.dies : fate.born + after(model_.steps[fate.step].after);
    if (slot == kNever) return;
    fate.own = slot < block_end_;
    agenda_.put(slot, fate);
  }

  void due(const Fate& fate) {
    if (fate.own) {
      happen(fate);
    } else {
      waiting_.push_back(fate);
    }
  }

  void end_one() {
    const Fate fate = waiting_.front();
    waiting_.pop_front();
    happen(fate);
  }

  void happen(Fate fate) {
    ++emitted_;
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
  Agenda<Fate> agenda_;
  std::deque<Fate> waiting_;
  std::vector<Drawn> drawn_;  // one a copy
  std::uint64_t slot_ = 0;
  std::uint64_t block_end_ = 0;
  std::uint64_t emitted_ = 0;  // in this slot
  std::uint64_t time_ns_ = 0;
  std::uint64_t block_time_ns_ = 0;
};

}  // namespace

void generate_copy(const Model& model, const CopyOptions& options, Random& random, Emitter& out) {
  Copier(model, options, random, out).run();
  out.flush();
}

}  // namespace replay::gen
