#include "replay/cli/record_limit.h"

#include <fmt/format.h>

#include <charconv>

#include "replay/cli/range.h"
#include "replay/trace/error.h"

namespace replay::cli {
namespace {

constexpr double kNsPerSecond = 1e9;
constexpr double kMaxSeconds = 1e9;

[[noreturn]] void refuse(const std::string& text) {
  throw Error(fmt::format("'{}' is no limit; write events (2000000, 2M), bytes (100MB) or seconds "
                          "(30s)",
                          text),
              ExitCode::kUsage);
}

}  // namespace

RecordLimits parse_record_limit(const std::string& text) {
  RecordLimits limits;
  if (text.ends_with('s')) {
    const char* end = text.data() + text.size() - 1;
    double seconds = 0;
    const auto parsed = std::from_chars(text.data(), end, seconds, std::chars_format::fixed);
    if (parsed.ec != std::errc() || parsed.ptr != end) refuse(text);
    if (!(seconds > 0) || seconds > kMaxSeconds) refuse(text);
    limits.time_ns = static_cast<std::uint64_t>(seconds * kNsPerSecond);
    return limits;
  }
  const bool bytes = text.ends_with('B');
  std::uint64_t& limit = bytes ? limits.spool_bytes : limits.events;
  try {
    limit = parse_count(bytes ? text.substr(0, text.size() - 1) : text);
  } catch (const Error&) {
    refuse(text);
  }
  if (limit == 0) refuse(text);
  return limits;
}

}  // namespace replay::cli
