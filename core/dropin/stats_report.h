// What a heap holds, written out for people and machines. Allocates only what stdio does.
#pragma once

#include <stdio.h>

#include "core/mem/stats.h"

namespace mem {

// One JSON object, keys as in MemStats; only bins that have slabs.
void write_stats_json(FILE* stream, const MemStats& stats) noexcept;

// The same as a table.
void write_stats_table(FILE* stream, const MemStats& stats) noexcept;

}  // namespace mem
