// What record's options take that bound a recording: a number of events, of bytes, or of seconds;
// and the signal that opens and closes it.
#pragma once

#include <string>

#include "replay/record/spool_directory.h"

namespace replay::cli {

// "2000000" or "2M": events; "100MB": bytes of disk while recording; "30s" or "0.5s": seconds.
// Throws Error (usage) for anything else, zero included.
RecordLimits parse_record_limit(const std::string& text);

// "2M" calls or "30s", or "signal". Throws Error (usage) for anything else.
RecordStart parse_record_start(const std::string& text);

// "100MB". Throws Error (usage) for anything else.
std::uint64_t parse_record_bytes(const std::string& text);

// "USR1", "SIGUSR1", "10". Throws Error (usage) for what is no signal, cannot be caught, or is
// passed on to the program.
int parse_signal(const std::string& text);

}  // namespace replay::cli
