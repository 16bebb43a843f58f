// Numbers of events as people write them: 500, 20k, 1.5M; and ranges of them: FROM:TO.
#pragma once

#include <cstdint>
#include <string>

#include "replay/engine/plan.h"

namespace replay::cli {

// A whole number, with a decimal suffix k, M or G if wanted. Throws Error (usage).
std::uint64_t parse_count(const std::string& text);

// FROM:TO, FROM: or :TO; TO is not included. Throws Error (usage).
EventRange parse_range(const std::string& text);

}  // namespace replay::cli
