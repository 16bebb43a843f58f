#include "replay/cli/range.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "replay/trace/error.h"

namespace replay::cli {
namespace {

double scale_of(char suffix) {
  switch (suffix) {
    case 'k':
    case 'K':
      return 1e3;
    case 'M':
      return 1e6;
    case 'G':
      return 1e9;
    default:
      return 0;
  }
}

}  // namespace

std::uint64_t parse_count(const std::string& text) {
  const char* end = text.data() + text.size();
  std::uint64_t whole = 0;
  const auto exact = std::from_chars(text.data(), end, whole);
  if (exact.ec == std::errc() && exact.ptr == end) return whole;
  double number = 0;
  const auto parsed = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  const double scale = parsed.ptr + 1 == end ? scale_of(*parsed.ptr) : 0;
  const double value = std::round(number * scale);
  const bool fits = value >= 0 && value <= 1e18;  // which nan does not
  if (parsed.ec != std::errc() || scale == 0 || !fits) {
    throw Error(fmt::format("'{}' is no count of events; write 500, 20k or 1.5M", text),
                ExitCode::kUsage);
  }
  return static_cast<std::uint64_t>(value);
}

std::uint64_t parse_seed(const std::string& text) {
  const char* end = text.data() + text.size();
  std::uint64_t seed = 0;
  const auto [stop, error] = std::from_chars(text.data(), end, seed);
  if (error != std::errc() || stop != end) {
    throw Error(fmt::format("--seed {}: expected a whole number from 0 to 2^64 - 1", text),
                ExitCode::kUsage);
  }
  return seed;
}

EventRange parse_range(const std::string& text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos) {
    throw Error(fmt::format("'{}' is no range of events; write FROM:TO, for example 1M:1.5M", text),
                ExitCode::kUsage);
  }
  EventRange range;
  if (colon > 0) range.from = parse_count(text.substr(0, colon));
  if (colon + 1 < text.size()) range.to = parse_count(text.substr(colon + 1));
  if (range.from >= range.to) {
    throw Error(fmt::format("the range {} is empty: FROM must be less than TO", text),
                ExitCode::kUsage);
  }
  return range;
}

}  // namespace replay::cli
