// The two faces of `allocreplay inspect`: one for people, one for scripts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

#include "replay/trace/reader.h"
#include "replay/trace/summary.h"

namespace replay::cli {

// pre: `reader` came to its end, and `summary` is of its trace. Both print or tell all there is,
// but of the call sites only the `top` hottest ones in each respect.
void print_inspection(const TraceReader& reader, const Summary& summary, std::size_t top);
nlohmann::ordered_json inspection(const TraceReader& reader, const Summary& summary,
                                  std::size_t top);

// In what respects a site is hot.
struct Heat {
  const char* key;    // in JSON
  const char* title;  // in text
  std::uint64_t SiteUse::*measure;
};
inline constexpr Heat kHeats[] = {
    {"by_requested_bytes", "bytes asked for", &SiteUse::requested_bytes},
    {"by_live_bytes_at_peak", "bytes live at the peak", &SiteUse::live_bytes_at_peak},
    {"by_calls", "calls", &SiteUse::calls},
};
// The sites that are among the `top` in any respect, by number.
std::vector<SiteUse> hot_sites(const Summary& summary, std::size_t top);

}  // namespace replay::cli
