// How much memory a replay takes for itself.
#pragma once

#include <cstdint>

#include "replay/engine/session.h"

namespace replay {

// The plan (of a streamed one, what is there at a time) and the run file of whichever of the
// session's passes has the largest: slots, tables of live objects, histograms and results. Nothing
// of runs that the session does not make itself. O(checkpoints) time.
std::uint64_t plan_bytes(const Plan& plan, const SessionOptions& options);

}  // namespace replay
