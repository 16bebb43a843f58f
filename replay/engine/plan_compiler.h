// Makes plan words of a trace's events, as far as it is told: all at once for compile_plan(), a
// piece at a time for a plan that is streamed (plan_feed.h). What was taken of the streams is taken
// to be done, in all lanes, before anything that comes later: nothing waits for it.
//
// Memory: the words that nobody has taken yet, and some 50 bytes for each object that is live.
// Not thread-safe. Throws Error as compile_plan() does.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "replay/engine/checkpoint_list.h"
#include "replay/engine/happens_before.h"
#include "replay/engine/plan.h"
#include "replay/engine/slot_table.h"
#include "replay/engine/word_stream.h"
#include "replay/trace/object_map.h"

namespace replay {

class PlanCompiler {
 public:
  PlanCompiler(TraceReader& trace, EventRange range, const PlanOptions& options, ThreadLives lives);

  // Goes on until `event` events are done; false at the end of the range or trace. An event takes
  // at most most_event_words() words of all streams together.
  bool advance(std::uint64_t event);
  std::uint64_t most_event_words() const;

  // Where it stands.
  const Checkpoint& here() const { return here_; }
  std::uint64_t slot_count() const { return slots_.size(); }

  std::size_t lane_count() const { return lanes_.size(); }
  std::uint64_t events(std::size_t lane) const { return lanes_[lane].plan.event_count; }
  WordStream& words(std::size_t lane) { return lanes_[lane].words; }
  WordStream& dues(std::size_t lane) { return lanes_[lane].dues; }

  // Where threads end whose begin was taken before it was known, since it was last asked.
  struct ThreadEnd {
    std::uint32_t lane;
    std::uint64_t word;
    std::uint64_t event;  // of the lane
  };
  std::vector<ThreadEnd> take_late_ends() { return std::exchange(late_ends_, {}); }

  // The plan but for its words, at the end.
  Plan finish();

 private:
  struct Lane {
    WordStream words;
    WordStream dues;
    LanePlan plan;
  };

  struct Before {
    std::uint32_t slot;
    std::uint64_t size;
  };

  void begin_measuring(const Event& event);
  void after_measured(const Event& event);
  void add(const Event& event);
  void begin_thread(const ThreadLife& life);
  void end_thread(const ThreadLife& life);
  void end_threads();
  void enforce(std::uint32_t lane, PlanPlace place);
  void put(const Event& event, std::uint32_t lane);
  void put(const Event& event, std::uint32_t lane, std::uint32_t slot);
  void note_for_closing(const Event& event, std::uint32_t slot);
  void close();
  void put_closing(const Event& event, std::uint32_t slot);
  std::uint32_t birth(const Event& event, std::uint32_t lane);
  std::uint32_t live_slot(const Event& event);
  [[noreturn]] void fail(const std::string& what) const;

  TraceReader& trace_;
  EventRange range_;
  PlanOptions options_;  // its parts are those to come
  ThreadLives lives_;
  Plan plan_;
  std::vector<Lane> lanes_;
  HappensBefore order_;
  SlotTable slots_;
  std::vector<std::uint64_t> start_words_;  // by lane: where the first thread starts its thread
  std::vector<ThreadEnd> late_ends_;
  ObjectMap<std::uint32_t> slot_of_;  // of the live objects
  std::uint64_t objects_ = 0;         // born so far
  std::span<const Event> block_;
  std::size_t next_ = 0;  // in the block
  CheckpointList checkpoints_;
  Checkpoint here_;
  Checkpoint peak_;
  bool measuring_ = false;
  std::uint64_t first_time_ns_ = 0;
  std::size_t next_stop_ = 0;
  std::vector<Checkpoint> stops_;
  // Of a closed plan: what was born in the measured part and lives, and what older objects were
  // where it began, of those that it freed or resized since.
  std::map<std::uint64_t, std::uint32_t> born_;
  std::map<std::uint64_t, Before> before_;
  std::uint64_t first_born_ = 0;
};

}  // namespace replay
