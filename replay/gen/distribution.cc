#include "replay/gen/distribution.h"

#include "replay/gen/quantity.h"

namespace replay::gen {
namespace {

constexpr std::uint64_t kGreatest = std::uint64_t{1} << 40;
constexpr std::size_t kMostParts = 4096;
constexpr std::uint64_t kMostWeight = 1'000'000'000;

// What stands before `mark`, which goes with it; all if there is no mark.
std::string_view take_until(std::string_view& text, char mark) {
  const std::size_t at = text.find(mark);
  const std::string_view taken = text.substr(0, at);
  text = at == std::string_view::npos ? std::string_view{} : text.substr(at + 1);
  return taken;
}

bool in_range(const std::optional<std::uint64_t>& value) {
  return value && *value >= 1 && *value <= kGreatest;
}

}  // namespace

std::optional<Distribution::Part> Distribution::parse_part(std::string_view text) {
  if (text.find(':') == std::string_view::npos) {
    const auto value = parse_quantity(text);
    if (!in_range(value)) return std::nullopt;
    return Part{Shape::kFixed, *value, *value};
  }
  const std::string_view shape = take_until(text, ':');
  if (shape == "exp") {
    const auto mean = parse_quantity(text);
    if (!in_range(mean)) return std::nullopt;
    return Part{Shape::kExponential, *mean, *mean};
  }
  const auto low = parse_quantity(take_until(text, ':'));
  const auto high = parse_quantity(text);
  const bool known = shape == "uniform" || shape == "log";
  if (!known || !in_range(low) || !in_range(high) || *low > *high) return std::nullopt;
  return Part{shape == "log" ? Shape::kLog : Shape::kUniform, *low, *high};
}

std::optional<Distribution> Distribution::parse(std::string_view text) {
  constexpr std::string_view kMix = "mix:";
  Distribution result;
  if (!text.starts_with(kMix)) {
    const auto part = parse_part(text);
    if (!part) return std::nullopt;
    result.parts_.push_back(*part);
    return result;
  }
  text.remove_prefix(kMix.size());
  std::vector<std::uint64_t> weights;
  while (!text.empty()) {
    std::string_view entry = take_until(text, ',');
    const auto part = parse_part(take_until(entry, '='));
    const auto weight = parse_quantity(entry);
    if (!part || !weight || *weight == 0 || *weight > kMostWeight) return std::nullopt;
    result.parts_.push_back(*part);
    weights.push_back(*weight);
  }
  if (weights.empty() || weights.size() > kMostParts) return std::nullopt;
  result.picker_.emplace(weights);
  return result;
}

}  // namespace replay::gen
