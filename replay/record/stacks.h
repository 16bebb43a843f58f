// The call sites that a recording left (spool.h), as the table of a trace, without symbols.
//
// Throws Error if the file is not what the library writes. Not thread-safe. O(frames x log).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "replay/trace/site_table.h"

namespace replay {

// `sites`: the entries of the file that the trace's stacks 1, 2, ... are.
SiteTable read_stacks(const std::string& path, const std::vector<std::uint64_t>& sites);

}  // namespace replay
