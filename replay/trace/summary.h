// What a trace is like: operations, threads, sizes, alignments, lifetimes, resizes, who frees whose
// memory, and live bytes over time.
//
// Not thread-safe. add() is O(1) on average an event; memory is O(live objects + threads + pairs of
// threads between which memory passed), however long the trace. Bytes are those that the program
// asked for.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "replay/trace/event.h"
#include "replay/trace/object_map.h"
#include "replay/trace/reader.h"
#include "replay/trace/site_summary.h"

namespace replay {

// Counts by power of two: bucket 0 holds 0, bucket k holds 2^(k-1) to 2^k - 1.
class Log2Histogram {
 public:
  static constexpr int kBuckets = 65;

  void add(std::uint64_t value) { ++counts_[static_cast<std::size_t>(std::bit_width(value))]; }
  std::uint64_t count(int bucket) const { return counts_[static_cast<std::size_t>(bucket)]; }
  std::uint64_t total() const;
  // The buckets from the first to the last that is not empty; begin == end if all are.
  int begin() const;
  int end() const;

  static constexpr std::uint64_t least(int bucket) {
    return bucket == 0 ? 0 : std::uint64_t{1} << (bucket - 1);
  }
  static constexpr std::uint64_t greatest(int bucket) {
    return bucket == 0 ? 0 : least(bucket) - 1 + least(bucket);
  }

 private:
  std::array<std::uint64_t, kBuckets> counts_{};
};

// The state after event number `event` (from 0).
struct LivePoint {
  std::uint64_t event = 0;
  std::uint64_t time_ns = 0;
  std::uint64_t bytes = 0;
  std::uint64_t objects = 0;
};

struct FreeCount {
  std::uint64_t objects = 0;
  std::uint64_t bytes = 0;  // their sizes when they were freed
};

// What realloc did to sizes.
struct Resizes {
  // New size by old: less; the same; more, up to so many percent of the old; beyond; from 0 bytes.
  static constexpr std::array<std::uint64_t, 4> kGrowthPercent = {125, 150, 200, 400};
  std::uint64_t shrunk = 0;
  std::uint64_t same = 0;
  std::array<std::uint64_t, kGrowthPercent.size() + 1> grown{};
  std::uint64_t from_empty = 0;
  std::uint64_t grown_bytes = 0;
  std::uint64_t shrunk_bytes = 0;
  std::uint64_t kept_bytes = 0;  // what a realloc that moves would copy: the lesser of both sizes
  std::uint64_t objects = 0;     // that were resized at all
  Log2Histogram per_object;      // resizes of each freed object
};

struct Summary {
  std::uint64_t events = 0;
  std::array<std::uint64_t, kOpCount> by_op{};
  std::vector<std::uint64_t> by_thread;
  std::uint64_t objects = 0;
  std::uint64_t cross_thread_frees = 0;  // by another thread than the one of the birth
  // {thread of the birth, thread of the free}: only pairs that occur.
  std::map<std::pair<std::uint32_t, std::uint32_t>, FreeCount> frees;
  std::uint64_t requested_bytes = 0;           // by births; reallocs add what they grow
  std::uint64_t duration_ns = 0;               // time of the last event
  Log2Histogram sizes;                         // of births and reallocs
  std::array<std::uint64_t, 64> alignments{};  // of kAligned, by log2
  Log2Histogram lifetimes_events;              // of freed objects: events from birth to free
  Log2Histogram lifetimes_ns;
  Resizes resizes;
  LivePoint peak_bytes;    // the first moment of most live bytes
  LivePoint peak_objects;  // and of most live objects
  LivePoint end;
  std::vector<LivePoint> curve;  // evenly spaced in events, 100 at most, and the end
  std::vector<SiteUse> sites;    // by summarize(), of a trace that has them
};

class Summarizer {
 public:
  static constexpr std::size_t kMaxPoints = 100;

  // Throws Error if an event is of an object that is not live, or of a thread that is not numbered
  // in the order of appearance.
  void add(std::span<const Event> events);
  Summary result() const;

 private:
  struct Object {
    std::uint64_t size;
    std::uint64_t event;
    std::uint64_t time_ns;
    std::uint32_t thread;
    std::uint32_t resizes;
  };

  void add(const Event& event);
  void add_thread(const Event& event);
  Object& live_object(const Event& event);
  void realloc(Object* object, std::uint64_t size);
  void free(const Object& object, const Event& event);
  void add_point(const LivePoint& point);

  Summary summary_;
  ObjectMap<Object> live_;
  std::vector<FreeCount> own_frees_;                          // by thread
  std::unordered_map<std::uint64_t, FreeCount> cross_frees_;  // by birth's thread << 32 | free's
  std::uint64_t live_bytes_ = 0;
  std::uint64_t stride_ = 1;  // events between two points of the curve
  std::uint64_t next_point_ = 0;
};

// Reads from where `reader` stands, which is the start; calls `after_block` now and then. Throws
// Error as the reader and add() do.
Summary summarize(
    TraceReader& reader, const std::function<void()>& after_block = [] {});

}  // namespace replay
