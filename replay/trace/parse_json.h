// JSON that others wrote. How deep it is nested is bounded, for to copy or print a value takes
// stack for each level.
//
// Thread-safe; O(text).
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>

namespace replay {

inline constexpr int kMaxJsonDepth = 100;

// what(): "not JSON" or "nested too deeply".
struct JsonFault : std::runtime_error {
  JsonFault(const char* what, std::size_t at) : std::runtime_error(what), byte(at) {}
  std::size_t byte;  // where it was found, from 1
};

// Throws JsonFault.
nlohmann::ordered_json parse_json(std::string_view text);

// The provenance in a header, a trailer or the text form: returns what is wrong with it, or "".
std::string parse_provenance(std::string_view text, nlohmann::ordered_json* provenance);

}  // namespace replay
