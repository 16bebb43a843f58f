#include "replay/cli/record_limit.h"

#include <fmt/format.h>

#include <signal.h>
#include <string.h>

#include <algorithm>
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

RecordStart parse_record_start(const std::string& text) {
  RecordStart start;
  if (text == "signal") {
    start.by_signal = true;
    return start;
  }
  const auto wrong = [&text] {
    return Error(fmt::format("'{}' is no start; write calls (2000000, 2M), seconds (30s) or "
                             "'signal'",
                             text),
                 ExitCode::kUsage);
  };
  RecordLimits after;
  try {
    after = parse_record_limit(text);
  } catch (const Error&) {
    throw wrong();
  }
  if (after.spool_bytes != spool::kNever) throw wrong();
  if (after.events != spool::kNever) start.calls = after.events;
  if (after.time_ns != spool::kNever) start.time_ns = after.time_ns;
  return start;
}

std::uint64_t parse_record_bytes(const std::string& text) {
  if (!text.ends_with('B')) {
    throw Error(fmt::format("'{}' is no number of bytes; write 100MB or 2GB", text),
                ExitCode::kUsage);
  }
  return parse_record_limit(text).spool_bytes;
}

int parse_signal(const std::string& text) {
  const std::string name = text.starts_with("SIG") ? text.substr(3) : text;
  constexpr int kNotForThis[] = {SIGKILL, SIGSTOP, SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGQUIT};
  for (int signal = 1; signal < SIGRTMIN; ++signal) {
    const char* const abbreviation = ::sigabbrev_np(signal);
    if (abbreviation == nullptr) continue;
    if (name != abbreviation && name != std::to_string(signal)) continue;
    if (std::find(std::begin(kNotForThis), std::end(kNotForThis), signal) ==
        std::end(kNotForThis)) {
      return signal;
    }
  }
  throw Error(fmt::format("'{}' is no signal for this; write USR1, USR2, WINCH or the like", text),
              ExitCode::kUsage);
}

}  // namespace replay::cli
