#include "replay/engine/plan.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "replay/engine/plan_layout.h"
#include "replay/engine/size_class.h"
#include "replay/trace/error.h"

namespace replay {
namespace {

constexpr std::uint32_t kNoSlot = UINT32_MAX;
// Samples cost a system call and a walk over the page tables; a few hundred draw a smooth curve.
constexpr std::size_t kMaxCheckpoints = 512;
constexpr std::size_t kFlushWords = std::size_t{1} << 16;

// Appends words to a memory file.
class PlanFile {
 public:
  PlanFile() : fd_(::memfd_create("allocreplay-plan", MFD_CLOEXEC)) {
    if (fd_.get() < 0) {
      throw Error(
          fmt::format("cannot create a memory file for the plan: {}", std::strerror(errno)));
    }
    buffer_.reserve(kFlushWords + 4);
  }

  void put(PlanWord word) { buffer_.push_back(word); }
  std::uint64_t words() const { return flushed_ + buffer_.size(); }

  void flush_if_full() {
    if (buffer_.size() >= kFlushWords) flush();
  }

  UniqueFd finish() {
    flush();
    return std::move(fd_);
  }

 private:
  void flush() {
    const char* data = reinterpret_cast<const char*>(buffer_.data());
    std::size_t left = buffer_.size() * sizeof(PlanWord);
    while (left > 0) {
      const ssize_t written = ::write(fd_.get(), data, left);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) {
        throw Error(fmt::format("no memory for the plan: {}; replay fewer events with --events",
                                std::strerror(errno)));
      }
      data += written;
      left -= static_cast<std::size_t>(written);
    }
    flushed_ += buffer_.size();
    buffer_.clear();
  }

  UniqueFd fd_;
  std::vector<PlanWord> buffer_;
  std::uint64_t flushed_ = 0;
};

// Evenly spaced checkpoints for a stream of unknown length: when there are too many, every other
// one goes and the distance doubles.
class CheckpointList {
 public:
  void offer(const Checkpoint& here) {
    if (here.event < next_) return;
    list_.push_back(here);
    if (list_.size() >= kMaxCheckpoints) {
      std::size_t kept = 0;
      for (std::size_t i = 0; i < list_.size(); i += 2) list_[kept++] = list_[i];
      list_.resize(kept);
      stride_ *= 2;
    }
    next_ = list_.back().event + stride_;
  }
  std::vector<Checkpoint> take() { return std::move(list_); }

 private:
  std::vector<Checkpoint> list_;
  std::uint64_t stride_ = 1;
  std::uint64_t next_ = 0;
};

class Compiler {
 public:
  Compiler(TraceReader& trace, EventRange range, std::span<const TouchedPart> parts)
      : trace_(trace), range_(range), parts_(parts) {}

  Plan compile() {
    for (auto block = trace_.next_block(); !block.empty(); block = trace_.next_block()) {
      for (const Event& event : block) {
        if (here_.event == range_.to) return finish();
        if (here_.event == range_.from) begin_measuring();
        add(event);
        if (here_.event > range_.from) after_measured(event);
      }
      file_.flush_if_full();
    }
    return finish();
  }

 private:
  void begin_measuring() {
    measuring_ = true;
    peak_ = here_;
    checkpoints_.offer(here_);
  }

  void after_measured(const Event& event) {
    ++plan_.op_counts[static_cast<int>(event.op)];
    if (here_.live_bytes > peak_.live_bytes) peak_ = here_;
    checkpoints_.offer(here_);
  }

  void add(const Event& event) {
    if (!parts_.empty() && parts_.front().event == here_.event) {
      file_.put(parts_.front().word);
      parts_ = parts_.subspan(1);
    }
    switch (event.op) {
      case Op::kMalloc:
      case Op::kCalloc:
      case Op::kAligned:
        put(birth(event), event);
        if (event.op == Op::kAligned) file_.put(std::uint64_t{1} << event.align_log2);
        break;
      case Op::kRealloc: {
        const std::uint32_t slot = live_slot(event);
        put(slot, event);
        file_.put(slot_size_[slot]);
        here_.live_bytes += event.size - slot_size_[slot];
        slot_size_[slot] = event.size;
        break;
      }
      case Op::kFree: {
        const std::uint32_t slot = live_slot(event);
        file_.put(plan_word(
            slot, Op::kFree,
            free_note(size_class_of(slot_size_[slot]), slot_thread_[slot] != event.thread)));
        here_.live_bytes -= slot_size_[slot];
        --here_.live_objects;
        free_slots_.push_back(slot);
        slot_of_[event.object] = kNoSlot;
        break;
      }
    }
    ++here_.event;
    here_.word = file_.words();
  }

  std::uint32_t birth(const Event& event) {
    if (event.object != slot_of_.size()) {
      fail(fmt::format("gives birth to object {}, but {} comes next", event.object,
                       slot_of_.size()));
    }
    std::uint32_t slot;
    if (free_slots_.empty()) {
      slot = static_cast<std::uint32_t>(slot_size_.size());
      slot_size_.push_back(0);
      slot_thread_.push_back(0);
    } else {
      slot = free_slots_.back();
      free_slots_.pop_back();
    }
    slot_of_.push_back(slot);
    slot_size_[slot] = event.size;
    slot_thread_[slot] = event.thread;
    here_.live_bytes += event.size;
    ++here_.live_objects;
    return slot;
  }

  std::uint32_t live_slot(const Event& event) const {
    const bool born = event.object < slot_of_.size();
    if (!born || slot_of_[event.object] == kNoSlot) {
      fail(fmt::format("{} object {}, which {}", event.op == Op::kFree ? "frees" : "resizes",
                       event.object, born ? "is already freed" : "was never allocated"));
    }
    return slot_of_[event.object];
  }

  void put(std::uint32_t slot, const Event& event) {
    const bool wide = event.size >= kWideSize;
    file_.put(plan_word(slot, event.op, wide ? kWideSize : event.size));
    if (wide) file_.put(event.size);
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(fmt::format("{}: event {} {}; the trace is not consistent, record it again",
                            trace_.path(), here_.event, what));
  }

  Plan finish() {
    if (!measuring_ || here_.event <= range_.from) {
      throw Error(fmt::format("{}: no event to replay in {}:{}; the trace has {} events",
                              trace_.path(), range_.from, range_.to, here_.event));
    }
    plan_.checkpoints = checkpoints_.take();
    auto place = [&](const Checkpoint& point) {
      auto at = std::lower_bound(
          plan_.checkpoints.begin(), plan_.checkpoints.end(), point,
          [](const Checkpoint& a, const Checkpoint& b) { return a.event < b.event; });
      if (at == plan_.checkpoints.end() || at->event != point.event) {
        at = plan_.checkpoints.insert(at, point);
      }
      return static_cast<std::size_t>(at - plan_.checkpoints.begin());
    };
    place(here_);
    plan_.peak_live = place(peak_);
    plan_.word_count = file_.words();
    plan_.slot_count = slot_size_.size();
    plan_.event_count = here_.event;
    plan_.warmup_events = range_.from;
    plan_.truncation = trace_.truncation();
    plan_.memory = file_.finish();
    return std::move(plan_);
  }

  TraceReader& trace_;
  EventRange range_;
  std::span<const TouchedPart> parts_;  // those to come
  Plan plan_;
  PlanFile file_;
  CheckpointList checkpoints_;
  Checkpoint here_;
  Checkpoint peak_;
  bool measuring_ = false;
  std::vector<std::uint32_t> slot_of_;      // by object
  std::vector<std::uint64_t> slot_size_;    // by slot
  std::vector<std::uint32_t> slot_thread_;  // by slot: that made the object
  std::vector<std::uint32_t> free_slots_;
};

}  // namespace

Plan compile_plan(TraceReader& trace, EventRange range, std::span<const TouchedPart> parts) {
  return Compiler(trace, range, parts).compile();
}

}  // namespace replay
