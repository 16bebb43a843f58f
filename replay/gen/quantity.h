// Numbers as people write them for parameters: 500, 20k, 1.5M, 64KiB; and shares: 12.5.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace replay::gen {

// A whole number, with a decimal (k, M, G) or binary suffix (Ki, Mi, Gi; a B may follow) if wanted.
// Nothing if it is none or does not come out whole below 2^62.
std::optional<std::uint64_t> parse_quantity(std::string_view text);

// Percent, 0 to 100, four decimals at most, in parts per million.
std::optional<std::uint64_t> parse_percent(std::string_view text);

}  // namespace replay::gen
