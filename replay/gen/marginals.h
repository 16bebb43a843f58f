// What two traces are compared by: the distributions of their sizes, lifetimes and resizes, who
// frees whose memory, and the curve of live bytes.
//
// Not thread-safe. O(1) an event on average; memory is O(live objects) and a fixed amount.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "replay/trace/event.h"
#include "replay/trace/object_map.h"

namespace replay::gen {

// Weights of values: exact below 256, above that by 128ths of a doubling.
class FineHistogram {
 public:
  void add(std::uint64_t value, std::uint64_t weight = 1) { weights_[bucket_of(value)] += weight; }
  double total() const;

  static constexpr std::size_t kBuckets = 256 + (64 - 8) * 128;
  static std::size_t bucket_of(std::uint64_t value) {
    if (value < 256) return static_cast<std::size_t>(value);
    const auto shift = static_cast<int>(std::bit_width(value)) - 8;
    return static_cast<std::size_t>(128 * shift) + static_cast<std::size_t>(value >> shift);
  }
  static std::uint64_t least(std::size_t bucket) {
    if (bucket < 256) return bucket;
    const std::size_t shift = bucket / 128 - 1;
    return std::uint64_t{bucket - 128 * shift} << shift;
  }
  std::uint64_t weight(std::size_t bucket) const { return weights_[bucket]; }

 private:
  std::array<std::uint64_t, kBuckets> weights_{};
};

// The greatest difference of the two distribution functions; 1 if just one is empty.
double kolmogorov_smirnov(const FineHistogram& a, const FineHistogram& b);

struct CurvePoint {
  std::uint64_t event;
  std::uint64_t bytes;  // live after it
  double area;          // sum over the events before it of the bytes live after each
};

struct Marginals {
  static constexpr std::uint64_t kForEver = UINT64_MAX;  // the lifetime of what is never freed

  std::uint64_t events = 0;
  std::uint64_t births = 0;
  std::uint64_t peak_bytes = 0;
  std::array<std::uint64_t, kOpCount> by_op{};
  FineHistogram sizes;          // of births
  FineHistogram lifetimes;      // events from birth to free
  FineHistogram live_sizes;     // of a live object at a moment drawn at random
  FineHistogram resize_ratios;  // 64 times the new size by the old
  FineHistogram resizes;        // of an object
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint64_t> edges;  // born by, freed by
  std::vector<std::uint64_t> by_thread;
  std::vector<CurvePoint> curve;  // 4096 at most, evenly spaced

  // The mean of the live bytes from one event to another, to the nearest points of the curve.
  double mean_bytes(std::uint64_t from, std::uint64_t to) const;
};

class MarginalsMeter {
 public:
  void add(std::span<const Event> events);
  Marginals finish();

 private:
  struct Object {
    std::uint64_t born;
    std::uint64_t resized;  // event
    std::uint64_t size;
    std::uint32_t thread;
    std::uint32_t resizes;
  };

  void add(const Event& event);
  void resize(Object& object, std::uint64_t size);
  void add_point();

  Marginals marginals_;
  ObjectMap<Object> live_;
  std::uint64_t live_bytes_ = 0;
  double area_ = 0;
  std::uint64_t stride_ = 1;
};

}  // namespace replay::gen
