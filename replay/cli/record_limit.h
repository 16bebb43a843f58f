// What `record --limit` takes: a number of events, of bytes, or of seconds.
#pragma once

#include <string>

#include "replay/record/spool_directory.h"

namespace replay::cli {

// "2000000" or "2M": events; "100MB": bytes of disk while recording; "30s" or "0.5s": seconds.
// Throws Error (usage) for anything else, zero included.
RecordLimits parse_record_limit(const std::string& text);

}  // namespace replay::cli
