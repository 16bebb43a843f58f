// Numbers as people write them: of events 500, 20k, 1.5M, ranges of these FROM:TO, and seeds.
#pragma once

#include <cstdint>
#include <string>

#include "replay/engine/plan.h"

namespace replay::cli {

// A whole number, with a decimal suffix k, M or G if wanted. Throws Error (usage).
std::uint64_t parse_count(const std::string& text);

// A whole number of at most 64 bits, for --seed. Throws Error (usage).
std::uint64_t parse_seed(const std::string& text);

// FROM:TO, FROM: or :TO; TO is not included. Throws Error (usage).
EventRange parse_range(const std::string& text);

}  // namespace replay::cli
