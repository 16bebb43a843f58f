// What the modules' symbols and debug information say of the frames of call sites, by libdw, from
// the files as they are now, if they have the build ids that were recorded. Where it knows nothing,
// module and offset stay.
//
// Not thread-safe. Reads each module once, in a session of its own; throws nothing of its own.
#pragma once

#include "replay/trace/site_table.h"

namespace replay {

// Fills in functions, files, lines and missing build ids of `table`.
void symbolise(SiteTable& table);

}  // namespace replay
