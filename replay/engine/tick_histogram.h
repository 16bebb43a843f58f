// A log-linear histogram of durations in clock ticks: 32 buckets per doubling, so a bucket is at
// most 3.2 % wide; durations below 32 ticks are exact. Fixed size, plain data, so that a worker
// can fill it in shared memory. record() is O(1) and touches one counter; not thread-safe.
#pragma once

#include <bit>
#include <cstdint>

namespace replay {

struct TickHistogram {
  static constexpr unsigned kSubBits = 5;
  static constexpr unsigned kSubBuckets = 1U << kSubBits;
  static constexpr unsigned kMaxBits = 44;  // 2^44 ticks are more than an hour
  static constexpr unsigned kBuckets = (kMaxBits - kSubBits + 1) * kSubBuckets;

  std::uint64_t count;
  std::uint64_t sum;  // ticks
  std::uint64_t max;  // ticks, exact
  std::uint64_t buckets[kBuckets];

  static constexpr unsigned bucket_of(std::uint64_t ticks) {
    if (ticks < kSubBuckets) return static_cast<unsigned>(ticks);
    const unsigned shift = static_cast<unsigned>(std::bit_width(ticks)) - 1 - kSubBits;
    if (shift >= kMaxBits - kSubBits) return kBuckets - 1;
    return (shift << kSubBits) + static_cast<unsigned>(ticks >> shift);
  }

  // The smallest duration that falls into bucket i.
  static constexpr std::uint64_t lower_bound(unsigned i) {
    if (i < kSubBuckets) return i;
    const unsigned shift = (i >> kSubBits) - 1;
    return static_cast<std::uint64_t>(kSubBuckets + (i & (kSubBuckets - 1))) << shift;
  }

  void record(std::uint64_t ticks) {
    ++buckets[bucket_of(ticks)];
    ++count;
    sum += ticks;
    if (ticks > max) max = ticks;
  }

  void add(const TickHistogram& other) {
    for (unsigned i = 0; i < kBuckets; ++i) buckets[i] += other.buckets[i];
    count += other.count;
    sum += other.sum;
    if (other.max > max) max = other.max;
  }
};

}  // namespace replay
