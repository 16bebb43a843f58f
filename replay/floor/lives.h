// The lives of a trace as rectangles, for packing: so many bytes, from one step to another.
//
// A resize ends one life and begins another at the same step, which may lie anywhere: who knows the
// future copies nothing, for he could have put the bytes where they belong before they were
// written. Sizes and addresses are in granules of 16 bytes, malloc's alignment on x86-64; no two
// lives share a granule, and a life of no bytes has one, for its address is its own.
//
// Not thread-safe. O(1) a step, 24 bytes a life.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace replay {

inline constexpr std::uint64_t kGranuleBytes = 16;

// More than any address space has; sums below it cannot overflow.
inline constexpr std::uint64_t kMostLiveBytes = std::uint64_t{1} << 56;

constexpr std::uint64_t granules_of(std::uint64_t bytes) {
  return bytes == 0 ? 1 : (bytes - 1) / kGranuleBytes + 1;
}

// A size in granules and an alignment, the power of two of granules.
class Life {
 public:
  Life(std::uint64_t size, unsigned align_log2) : word_(size << kAlignBits | align_log2) {}
  std::uint64_t size() const { return word_ >> kAlignBits; }
  unsigned align_log2() const { return static_cast<unsigned>(word_ & ((1U << kAlignBits) - 1)); }

 private:
  static constexpr unsigned kAlignBits = 6;
  std::uint64_t word_;
};

// A life that begins or ends.
class LifeStep {
 public:
  LifeStep(std::uint32_t life, bool begins) : word_(life << 1 | (begins ? 1U : 0U)) {}
  std::uint32_t life() const { return word_ >> 1; }
  bool begins() const { return (word_ & 1) != 0; }

 private:
  std::uint32_t word_;
};

class Lives {
 public:
  // Returns its number: 0, 1, 2, ... Throws Error for more lives or bytes than can be told apart.
  std::uint32_t begin(std::uint64_t size_bytes, unsigned align_log2_bytes);
  // pre: it has begun and not ended.
  void end(std::uint32_t life);

  std::size_t count() const { return lives_.size(); }
  const Life& operator[](std::size_t life) const { return lives_[life]; }
  // The steps at which it begins and ends; the latter kNever if it does not.
  static constexpr std::uint32_t kNever = UINT32_MAX;
  std::uint32_t begin_of(std::size_t life) const { return spans_[life].begin; }
  std::uint32_t end_of(std::size_t life) const { return spans_[life].end; }
  const std::vector<LifeStep>& steps() const { return steps_; }
  // The most granules live at once, and the step (of steps(), or its end) before which they are.
  std::uint64_t load() const { return load_; }
  std::size_t peak_step() const { return peak_step_; }

 private:
  struct Span {
    std::uint32_t begin;
    std::uint32_t end;
  };

  std::vector<Life> lives_;
  std::vector<Span> spans_;
  std::vector<LifeStep> steps_;
  std::uint64_t live_ = 0;  // granules
  std::uint64_t load_ = 0;
  std::size_t peak_step_ = 0;
};

}  // namespace replay
