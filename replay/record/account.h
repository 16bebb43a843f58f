// What a trace's header says of its recording: how it was made, what was left out, what was lost.
//
// Of what the library and the merge have counted; nothing here is measured. Throws nothing of its
// own.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>

#include "replay/record/merge.h"
#include "replay/record/program.h"
#include "replay/record/recording.h"
#include "replay/record/spool.h"

namespace replay {

// Whose program, on which machine. fate: none if the program runs on.
nlohmann::ordered_json provenance_of(const RecordRequest& request, const spool::ImageHeader& header,
                                     const std::optional<Fate>& fate);

// The recorder and its options. stacks: different ones that the trace names.
nlohmann::ordered_json recorder_of(const RecordRequest& request, const spool::ImageHeader& header,
                                   std::size_t stacks);

// Calls that the trace lacks or had to mend, and what it does not hold by design. earlier: of the
// programs that the recorded process was before.
nlohmann::ordered_json losses_of(const RecordRequest& request, const spool::Control& control,
                                 const spool::ImageHeader& header, const MergeCounts& counts,
                                 const nlohmann::ordered_json& earlier);

// What of the program's run is in the trace by intent, and what was left out of it; null if all of
// it was to be in. closed_by: "stopped_at_limit" of the losses.
nlohmann::ordered_json window_of(const RecordRequest& request, const spool::Control& control,
                                 const spool::ImageHeader& header, const StampClock& clock,
                                 const MergeCounts& counts, const std::string& closed_by);

}  // namespace replay
