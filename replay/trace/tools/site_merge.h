// One table of call sites for several traces.
//
// Thread-safe. O(size of the tables).
#pragma once

#include <cstdint>
#include <vector>

#include "replay/trace/site_table.h"

namespace replay {

// Adds all of `from` behind what `to` has; stack s of it is now s + the stacks that `to` had.
// Strings and modules that `to` has already are shared.
void append_sites(const SiteTable& from, SiteTable* to);

}  // namespace replay
