// How sizes and lifetimes are spread, as a user writes it:
//
//   64                          always 64
//   uniform:16:256              16 to 256, each as likely
//   log:16:64Ki                 16 to 65536, each doubling as likely
//   exp:1000                    1 and more, exponential with this mean
//   mix:64=90,log:1Ki:1Mi=10    one of the parts, by its weight
//
// A draw is O(1) and the same everywhere. Thread-safe once built.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "replay/gen/picker.h"
#include "replay/gen/random.h"

namespace replay::gen {

inline constexpr const char* kDistributionForms =
    "N, uniform:LOW:HIGH, log:LOW:HIGH, exp:MEAN or mix:PART=WEIGHT,...";

class Distribution {
 public:
  // Nothing if the text is no distribution; its least and greatest values must be 1 to 2^40.
  static std::optional<Distribution> parse(std::string_view text);

  std::uint64_t draw(Random& random) const {
    if (!picker_) return draw(parts_[0], random);
    return draw(parts_[picker_->pick(random)], random);
  }

 private:
  enum class Shape { kFixed, kUniform, kLog, kExponential };
  struct Part {
    Shape shape;
    std::uint64_t first;  // the value, the least, or the mean
    std::uint64_t last;
    LogRange range{first, last};
  };

  static std::optional<Part> parse_part(std::string_view text);
  static std::uint64_t draw(const Part& part, Random& random) {
    switch (part.shape) {
      case Shape::kUniform:
        return random.between(part.first, part.last);
      case Shape::kLog:
        return random.log_uniform(part.range);
      case Shape::kExponential:
        return random.exponential(part.first);
      default:
        return part.first;
    }
  }

  std::vector<Part> parts_;
  std::optional<Picker> picker_;  // if there are several
};

}  // namespace replay::gen
