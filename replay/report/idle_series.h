// What an allocator still holds while its program idles after the load fell, and whether it comes
// back.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "replay/engine/session.h"

namespace replay {

// Of what could come back: when so much has, it counts as having come back.
inline constexpr double kComeBackShare = 0.9;

struct IdleCourse {
  std::vector<double> resident_pages;          // at each stated time; the median of the repetitions
  std::optional<std::uint32_t> back_after_ms;  // the first stated time at which it had come back
  std::string why_absent;                      // empty: it is known
};

struct IdleSeries {
  std::vector<std::uint32_t> after_ms;  // after the last event; empty: nothing was asked for
  std::uint64_t page_size_bytes = 4096;
  std::uint64_t live_bytes = 0;    // at the last event
  double peak_resident_pages = 0;  // medians of the repetitions
  double end_resident_pages = 0;   // at the last event
  IdleCourse untrimmed;
  IdleCourse trimmed;  // malloc_trim was called right after the last event
};

IdleSeries idle_series(const Plan& plan, const SubjectRuns& runs);

}  // namespace replay
