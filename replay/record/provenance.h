// What a trace's header says of where the trace comes from, as far as this machine tells.
//
// Runs dpkg-query if there is one. Never throws for what cannot be found out: that is null.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "replay/record/spool.h"

namespace replay {

std::string iso_8601_utc(std::uint64_t unix_ns);

// "Debian GNU/Linux 12 (bookworm)" or null.
nlohmann::ordered_json distribution();

// {"program": {path, package}, "allocator": {path, package}, "libc": {version}}
nlohmann::ordered_json libraries_of(const spool::ImageHeader& header);

}  // namespace replay
